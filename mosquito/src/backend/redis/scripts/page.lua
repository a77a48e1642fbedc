-- KEYS[1] the list, KEYS[2] runs, KEYS[3] history, KEYS[4] lanes; ARGV[1] 'waiting' | 'pending' | 'scheduled' | 'dead',
-- ARGV[2] offset, ARGV[3] how many at most
-- → for each run: id, its claim or '', its time or '', envelope, history or ''
local list, offset, count = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local ids, claims, times = {}, {}, {}
if list == 'waiting' then
  -- The front is on the right.
  local items = redis.call('LRANGE', KEYS[1], -offset - count, -offset - 1)
  for i = #items, 1, -1 do ids[#ids + 1] = items[i] end
  if #ids < count then
    local from = math.max(0, offset - redis.call('LLEN', KEYS[1]))
    for _, member in ipairs(redis.call('ZRANGE', KEYS[4], from, from + count - #ids - 1)) do
      ids[#ids + 1] = string.match(member, '^%S+ %S+ (.*)$') or ''
    end
  end
elseif list == 'pending' then
  for i, member in ipairs(redis.call('ZRANGE', KEYS[1], offset, offset + count - 1)) do
    ids[i] = string.match(member, '^[^/]*/[^/]*/[^/]*/[^/]*/(.*)$')
    claims[i] = string.sub(member, 1, -#ids[i] - 2)
  end
else
  local items = redis.call('ZRANGE', KEYS[1], offset, offset + count - 1, 'WITHSCORES')
  for i = 1, #items, 2 do
    ids[#ids + 1] = items[i]
    times[#ids] = items[i + 1]
  end
end

local answer = {}
for i, id in ipairs(ids) do
  local envelope = redis.call('HGET', KEYS[2], id)
  if envelope then
    answer[#answer + 1] = id
    answer[#answer + 1] = claims[i] or ''
    answer[#answer + 1] = times[i] or ''
    answer[#answer + 1] = envelope
    answer[#answer + 1] = redis.call('HGET', KEYS[3], id) or ''
  end
end
return answer

-- KEYS[1] runs, KEYS[2] history, KEYS[3] waiting, KEYS[4] scheduled, KEYS[5] dead, KEYS[6] pending, KEYS[7] cancelled,
-- KEYS[8] wake, from KEYS[9] on as in flow.lua
-- ARGV[1] from where on to search waiting and pending, ARGV[2] how many of each, ARGV[3] 1 to remove also what stands nowhere,
-- and then ids
-- → {1 when there is more to search, then for each id: 'removed' | 'dead' | 'unknown' | 'elsewhere' | '@' and its overseer}
--
-- The lists are not made for finding runs: a caller that gets 'elsewhere' goes on from further behind, with those ids.
-- Were Redis out of memory half way, some of the runs are cancelled, each wholly: the caller comes again.
local offset, piece = tonumber(ARGV[1]), tonumber(ARGV[2])
local depth = redis.call('LLEN', KEYS[3])
for i = 1, 2 do redis.call('HLEN', KEYS[i]) end
for i = 4, 6 do redis.call('ZCARD', KEYS[i]) end
redis.call('HLEN', KEYS[7])
local rung = redis.call('LLEN', KEYS[8]) > 0
local flow = redis.call('HLEN', KEYS[18]) > 0 and flow_control(9, 0)

-- The front of waiting is on the right.
local places = {}
local items = redis.call('LRANGE', KEYS[3], -offset - piece, -offset - 1)
for i, id in ipairs(items) do places[id] = i - 1 - #items - offset end
local claims = {}
local members = redis.call('ZRANGE', KEYS[6], offset, offset + piece - 1)
for _, member in ipairs(members) do
  local claim, id = string.match(member, '^([^/]*/[^/]*/[^/]*/[^/]*)/(.*)$')
  if id then claims[id] = claim end
end

local answer, blanks = { (#items == piece or #members == piece) and 1 or 0 }, 0
for i = 4, #ARGV do
  local id, found = ARGV[i], 'removed'
  local run = flow and flow.of(id)
  if redis.call('HEXISTS', KEYS[1], id) == 0 then
    found = 'unknown'
  elseif redis.call('ZSCORE', KEYS[5], id) then
    found = 'dead'
  elseif claims[id] then
    found = '@' .. string.match(claims[id], '^[^/]*')
    redis.call('HSET', KEYS[7], id, claims[id])
  elseif redis.call('ZREM', KEYS[4], id) == 1 then
    found = 'removed'
  elseif run and flow.wait_no_more(run) > 0 then
    found = 'removed'
  elseif places[id] then
    redis.call('LSET', KEYS[3], places[id], '')
    blanks = blanks + 1
  elseif ARGV[3] ~= '1' then
    found = 'elsewhere'
  end
  if found == 'removed' then
    redis.call('HDEL', KEYS[1], id)
    redis.call('HDEL', KEYS[2], id)
    if run then
      -- One that stood nowhere where it was looked for may be pending.
      flow.left_pending(run)
      flow.left_store(run, true)
    end
    if flow then flow.forget(id) end
  end
  answer[#answer + 1] = found
end

-- Blanks deep inside a long list stay until they are claimed, and are skipped then.
if blanks > 0 then
  if offset <= 3 * piece then
    redis.call('LREM', KEYS[3], -blanks, '')
  elseif depth - offset <= 4 * piece then
    redis.call('LREM', KEYS[3], blanks, '')
  end
end
if flow then flow.save() end
if flow and flow.ready and not rung then redis.call('LPUSH', KEYS[8], 1) end
return answer

-- KEYS[1] pending, KEYS[2] waiting, KEYS[3] wake, KEYS[4] runs, KEYS[5] history, KEYS[6] cancelled
-- ARGV[1] overseer, ARGV[2] ticket, ARGV[3] how many at most → ids handed back, the last first; what was
-- cancelled is gone
local rung = redis.call('LLEN', KEYS[3]) > 0
redis.call('LLEN', KEYS[2])
redis.call('HLEN', KEYS[4])
redis.call('HLEN', KEYS[5])
local marked = redis.call('HLEN', KEYS[6]) > 0
local claims, ids = ARGV[1] .. '/', {}
-- From the last to the first, so that the first comes to stand in front, also when it takes several calls.
local members = redis.call('ZREVRANGEBYLEX', KEYS[1], '(' .. claims .. ARGV[2], '[' .. claims, 'LIMIT', 0, ARGV[3])
for _, member in ipairs(members) do
  local claim, id = string.match(member, '^([^/]*/[^/]*/[^/]*/[^/]*)/(.*)$')
  local mark = marked and redis.call('HGET', KEYS[6], id)
  if mark == claim then
    redis.call('HDEL', KEYS[4], id)
    redis.call('HDEL', KEYS[5], id)
  elseif redis.call('HEXISTS', KEYS[4], id) == 1 then
    redis.call('RPUSH', KEYS[2], id)
    ids[#ids + 1] = id
  end
  redis.call('ZREM', KEYS[1], member)
  if mark then redis.call('HDEL', KEYS[6], id) end
end
if #ids > 0 and not rung then redis.call('LPUSH', KEYS[3], 1) end
return ids

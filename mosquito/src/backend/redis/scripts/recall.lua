-- KEYS[1] pending, KEYS[2] waiting, KEYS[3] wake, KEYS[4] runs
-- ARGV[1] overseer, ARGV[2] ticket, ARGV[3] how many at most → ids handed back, the last first
local rung = redis.call('LLEN', KEYS[3]) > 0
redis.call('LLEN', KEYS[2])
redis.call('HLEN', KEYS[4])
local claims, ids = ARGV[1] .. '/', {}
-- From the last to the first, so that the first comes to stand in front, also when it takes several calls.
local members = redis.call('ZREVRANGEBYLEX', KEYS[1], '(' .. claims .. ARGV[2], '[' .. claims, 'LIMIT', 0, ARGV[3])
for _, member in ipairs(members) do
  local id = string.match(member, '^[^/]*/[^/]*/[^/]*/[^/]*/(.*)$')
  if redis.call('HEXISTS', KEYS[4], id) == 1 then
    redis.call('RPUSH', KEYS[2], id)
    ids[#ids + 1] = id
  end
  redis.call('ZREM', KEYS[1], member)
end
if #ids > 0 and not rung then redis.call('LPUSH', KEYS[3], 1) end
return ids

-- KEYS[1] scheduled, KEYS[2] waiting, KEYS[3] wake; ARGV[1] how many at most
-- → {how many were moved, ms until the next is due or -1}
local rung = redis.call('LLEN', KEYS[3]) > 0
redis.call('LLEN', KEYS[2])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local ids = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[1])
if #ids > 0 then
  redis.call('LPUSH', KEYS[2], unpack(ids))
  redis.call('ZREM', KEYS[1], unpack(ids))
  if not rung then redis.call('LPUSH', KEYS[3], 1) end
end
local first = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2]
return { #ids, first and math.max(0, tonumber(first) - now) or -1 }

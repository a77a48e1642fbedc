-- KEYS[1] paused, KEYS[2] waiting, KEYS[3] wake, KEYS[4] ready
local work, rung = redis.call('LLEN', KEYS[2]) + redis.call('ZCARD', KEYS[4]), redis.call('LLEN', KEYS[3]) > 0
redis.call('DEL', KEYS[1])
if work > 0 and not rung then redis.call('LPUSH', KEYS[3], 1) end

-- What the enqueue of one plain run has to do in Redis, without anything around it: the same keys, arguments and commands as mosquito's.
-- KEYS[1] waiting, KEYS[2] scheduled, KEYS[3] runs, KEYS[4] wake, KEYS[5] due
-- ARGV[1] id, ARGV[2] envelope, ARGV[3] '' → { 1 }
local rung = redis.call('LLEN', KEYS[4]) > 0
redis.call('LLEN', KEYS[1])
local time = redis.call('TIME')
local stamp = string.format('{"enqueued_at":%d,', time[1] * 1000 + math.floor(time[2] / 1000))
local answer = redis.call('HSETNX', KEYS[3], ARGV[1], stamp .. string.sub(ARGV[2], 2))
redis.call('LPUSH', KEYS[1], ARGV[1])
if not rung then redis.call('LPUSH', KEYS[4], 1) end
return { answer }

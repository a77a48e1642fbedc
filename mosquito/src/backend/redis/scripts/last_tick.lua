-- KEYS[1] schedules; ARGV[1] job → {time of its last tick, time}
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('HSETNX', KEYS[1], ARGV[1], string.format('%d ', now))
local last = string.match(redis.call('HGET', KEYS[1], ARGV[1]), '^(-?%d+) ')
return { tonumber(last), now }

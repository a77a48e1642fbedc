-- KEYS[1] schedules; ARGV[1] job → time of its last tick | nil
local last = redis.call('HGET', KEYS[1], ARGV[1])
return last and tonumber(string.match(last, '^(-?%d+) '))

-- KEYS[1] paused → when it ends, in ms since 1970; 0 when it does not end by itself; nothing when it is not
local left = redis.call('PTTL', KEYS[1])
if left == -2 then return nil end
if left == -1 then return 0 end
local time = redis.call('TIME')
return time[1] * 1000 + math.floor(time[2] / 1000) + left

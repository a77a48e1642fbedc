-- KEYS[1] paused → when it ends, in ms since 1970; 0 when it does not end by itself; nothing when it is not
local till = redis.call('GET', KEYS[1])
return till and (tonumber(till) or 0)

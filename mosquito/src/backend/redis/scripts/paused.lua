-- KEYS[1] paused → when it ends, in ms since 1970; 0 when it does not end by itself; nothing when it is not
local till = redis.call('GET', KEYS[1])
if not till then return nil end
till = tonumber(till) or 0
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
return (till == 0 or now < till) and till or nil

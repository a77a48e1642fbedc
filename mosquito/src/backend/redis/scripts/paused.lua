-- KEYS pauses → the time, then each pause as it was made, or ''
local time = redis.call('TIME')
local answer = { time[1] * 1000 + math.floor(time[2] / 1000) }
for i, key in ipairs(KEYS) do answer[i + 1] = redis.call('GET', key) or '' end
return answer

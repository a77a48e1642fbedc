-- KEYS[1] jobs → the time, then each paused job and its pause as it was made
local time = redis.call('TIME')
local answer = { tostring(time[1] * 1000 + math.floor(time[2] / 1000)) }
for _, text in ipairs(redis.call('HGETALL', KEYS[1])) do answer[#answer + 1] = text end
return answer

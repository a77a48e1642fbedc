-- KEYS[1] wake, KEYS[2] waiting, KEYS[3] scheduled, KEYS[4] due, from KEYS[5] on as in flow.lua; ARGV[1] job
local rung, due_rung = redis.call('LLEN', KEYS[1]) > 0, redis.call('LLEN', KEYS[4]) > 0
local work = redis.call('LLEN', KEYS[2]) > 0
local scheduled = tonumber(redis.call('ZRANGE', KEYS[3], 0, 0, 'WITHSCORES')[2])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local flow = flow_control(5, now)
local before = math.min(scheduled or math.huge, flow.first_due() or math.huge)
flow.resume_job(ARGV[1])
if (work or flow.ready) and not rung then redis.call('LPUSH', KEYS[1], 1) end
-- Promotions make the rest ready.
if (flow.first_due() or math.huge) < before and not due_rung then redis.call('LPUSH', KEYS[4], 1) end

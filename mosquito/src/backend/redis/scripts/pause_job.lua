-- KEYS[1] scheduled, KEYS[2] due, from KEYS[3] on as in flow.lua
-- ARGV[1] job, ARGV[2] for how many ms, or '' until it is resumed, ARGV[3] its words as JSON
--
-- Whose turn it is is written down, so that claims look at lanes from now on.
local due_rung = redis.call('LLEN', KEYS[2]) > 0
local scheduled = tonumber(redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local flow = flow_control(3, now)
local before = math.min(scheduled or math.huge, flow.first_due() or math.huge)
flow.pause_job(ARGV[1], ARGV[2] == '' and 0 or now + ARGV[2], ARGV[3])
flow.save()
-- Whoever promotes sleeps for longer.
if (flow.first_due() or math.huge) < before and not due_rung then redis.call('LPUSH', KEYS[2], 1) end

-- Settles claimed runs and claims others, in one move, or does one of the two; behind settle.lua and claim.lua.
--
-- KEYS[1] waiting, KEYS[2] pending, KEYS[3] runs, KEYS[4] history, KEYS[5] owners, KEYS[6] wake, KEYS[7] paused, KEYS[8] tickets,
-- KEYS[9] dead, KEYS[10] turns, KEYS[11] held, KEYS[12] scheduled, KEYS[13] due, KEYS[14] flows, KEYS[15] cancelled; and behind flow.lua
-- and pick.lua, from KEYS[16] on as in flow.lua
-- ARGV[1] overseer, ARGV[2] ticket, or '' to claim nothing, ARGV[3] how many at most; from ARGV[4] on as in settle.lua
-- → what settle.lua answers, then what claim.lua answers; or 'flows', when nothing was done because runs of the queue have a flow, and it
--   was called without the keys for that
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local claims, settles = ARGV[2] ~= '', #ARGV > 5
-- Whoever enqueued a run with a flow has written there whose turn it is.
local has_turns = redis.call('HLEN', KEYS[10]) > 0
if has_turns and not KEYS[16] then return 'flows' end

-- A key of a wrong type fails here, before anything is written.
local rung, due_rung, first = redis.call('LLEN', KEYS[6]) > 0, nil, nil
redis.call('LLEN', KEYS[1])
redis.call('ZCARD', KEYS[2])
redis.call('HLEN', KEYS[3])
redis.call('HLEN', KEYS[4])
redis.call('ZCARD', KEYS[9])
if claims then
  redis.call('ZCARD', KEYS[5])
  redis.call('HLEN', KEYS[8])
end
if has_turns or #ARGV > 5 + ARGV[4] then
  due_rung = redis.call('LLEN', KEYS[13]) > 0
  first = tonumber(redis.call('ZRANGE', KEYS[12], 0, 0, 'WITHSCORES')[2]) or math.huge
end
local flow = has_turns and flow_control(16, now)

local rings = {}
-- One wakes one: whoever brings runs, or leaves some behind, wakes the next.
function rings.work()
  if not rung then redis.call('LPUSH', KEYS[6], 1) end
  rung = true
end
-- Whoever promotes is to look at this time, and may sleep for longer.
function rings.due_at(at)
  if at < first and not due_rung then
    redis.call('LPUSH', KEYS[13], 1)
    due_rung = true
  end
end

local answer = { 0 }
if settles then answer[1] = settle(flow and redis.call('HLEN', KEYS[14]) > 0 and flow, now, rings) end
if claims then claim(answer, flow, now, rings) end
return answer

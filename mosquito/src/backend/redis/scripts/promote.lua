-- KEYS[1] scheduled, KEYS[2] waiting, KEYS[3] wake, from KEYS[4] on as in flow.lua; ARGV[1] how many at most
-- → {how many were moved, ms until the next is due or -1, how many lanes were woken}
local rung = redis.call('LLEN', KEYS[3]) > 0
redis.call('LLEN', KEYS[2])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local ids = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[1])
-- Whoever enqueued a run with a flow has written there whose turn it is.
local flow = redis.call('HLEN', KEYS[14]) > 0 and flow_control(4, now)
local known, ready, woken = flow and flow.of_all(ids) or {}, {}, 0
for i, id in ipairs(ids) do
  if not known[i] or flow.wait(known[i]) then ready[#ready + 1] = id end
end
if #ready > 0 then redis.call('LPUSH', KEYS[2], unpack(ready)) end
if #ids > 0 then redis.call('ZREM', KEYS[1], unpack(ids)) end
if flow then
  flow.fade()
  woken = flow.wake_due(ARGV[1] - #ids)
  flow.save()
end
if (#ready > 0 or flow and flow.ready) and not rung then redis.call('LPUSH', KEYS[3], 1) end
local first = tonumber(redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2])
local blocked = flow and flow.first_due()
if blocked and (not first or blocked < first) then first = blocked end
return { #ids, first and math.max(0, first - now) or -1, woken }

-- KEYS[1] pending, KEYS[2] waiting, KEYS[3] wake, KEYS[4] runs, KEYS[5] history, KEYS[6] cancelled, from KEYS[7] on as in flow.lua
-- ARGV[1] overseer, ARGV[2] ticket, ARGV[3] how many at most → ids handed back, the last first; what was
-- cancelled is gone
local rung = redis.call('LLEN', KEYS[3]) > 0
redis.call('LLEN', KEYS[2])
redis.call('HLEN', KEYS[4])
redis.call('HLEN', KEYS[5])
local marked = redis.call('HLEN', KEYS[6]) > 0
local claims, ids = ARGV[1] .. '/', {}
-- From the last to the first, so that the first comes to stand in front, also when it takes several calls.
local members = redis.call('ZREVRANGEBYLEX', KEYS[1], '(' .. claims .. ARGV[2], '[' .. claims, 'LIMIT', 0, ARGV[3])
-- Of the runs that there are, some have a flow.
local flow = #members > 0 and redis.call('HLEN', KEYS[16]) > 0 and flow_control(7, 0)
for _, member in ipairs(members) do
  local claim, id = string.match(member, '^([^/]*/[^/]*/[^/]*/[^/]*)/(.*)$')
  local mark = marked and redis.call('HGET', KEYS[6], id)
  local run = flow and flow.of(id)
  if run then flow.left_pending(run) end
  if mark == claim then
    redis.call('HDEL', KEYS[4], id)
    redis.call('HDEL', KEYS[5], id)
    if run then flow.left_store(run, true) end
    if flow then flow.forget(id) end
  elseif redis.call('HEXISTS', KEYS[4], id) == 1 then
    if not run or flow.wait(run, true) then redis.call('RPUSH', KEYS[2], id) end
    ids[#ids + 1] = id
  end
  redis.call('ZREM', KEYS[1], member)
  if mark then redis.call('HDEL', KEYS[6], id) end
end
if flow then flow.save() end
if (#ids > 0 or flow and flow.ready) and not rung then redis.call('LPUSH', KEYS[3], 1) end
return ids

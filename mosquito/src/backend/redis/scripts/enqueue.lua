-- KEYS[1] waiting, KEYS[2] scheduled, KEYS[3] runs, KEYS[4] wake, KEYS[5] due; when a run has a flow, from KEYS[6] on as in flow.lua, behind
-- which this script stands then
-- ARGV: for each run its id, its envelope without a time, and '' for now, '+ms' from now or '@ms' since 1970; when a run has a flow,
--       for each also what flow.lua declares, or three times ''. The brace that an envelope begins with may be left out: to take it off
--       costs more than all else that is done here with the text
-- → for each run 1 when it is new, 0 when the queue holds its id already, 'd' and the id of another run that keeps it away,
--   'r' and the id of one that has its envelope now
--
-- Looking first at every list that this call may write: a key of a wrong type fails here, before anything is written.
local call, byte, sub = redis.call, string.byte, string.sub
local flow_keys, runs, size = KEYS[6], KEYS[3], KEYS[6] and 6 or 3
local rung = call('LLEN', KEYS[4]) > 0
call('LLEN', KEYS[1])
local later = flow_keys
for i = 3, #ARGV, size do
  if ARGV[i] ~= '' then later = true end
end
local due_rung, first = nil, nil
if later then
  due_rung = call('LLEN', KEYS[5]) > 0
  first = call('ZRANGE', KEYS[2], 0, 0, 'WITHSCORES')[2]
end
local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local stamp = string.format('{"enqueued_at":%d,', now)
local flow = flow_keys and flow_control(6, now)

local answers, ready, earliest = {}, {}, nil
if flow then
  local keys = {}
  for i = 6, #ARGV, 6 do
    if ARGV[i] ~= '' then keys[#keys + 1] = ARGV[i] end
  end
  flow.look_up(keys)
end
for i = 1, #ARGV, size do
  local id, envelope, when = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  envelope = stamp .. (byte(envelope) == 123 and sub(envelope, 2) or envelope)
  local due, run, moves = now, nil, nil
  if when ~= '' then
    due = tonumber(sub(when, 2))
    if byte(when) == 43 then due = now + due end
  end
  local answer = call('HSETNX', runs, id, envelope)
  if flow and ARGV[i + 3] ~= '' and answer == 1 then
    run = flow.declare(id, ARGV[i + 3], ARGV[i + 4], ARGV[i + 5], math.max(due, now))
    local kept_away
    if run then kept_away, moves = flow.kept_away(run, envelope, runs, KEYS[2]) end
    if kept_away then
      call('HDEL', runs, id)
      answer = kept_away
    end
    if moves then id = run.id end
  end
  answers[#answers + 1] = answer
  if answer == 1 or moves then
    if due > now then
      call('ZADD', KEYS[2], due, id)
      if run then flow.is_elsewhere(run) end
      if not earliest or due < earliest then earliest = due end
    else
      if moves then call('ZREM', KEYS[2], id) end
      if not run or flow.wait(run) then ready[#ready + 1] = id end
    end
  end
end

if #ready > 0 then call('LPUSH', KEYS[1], unpack(ready)) end
if flow then flow.save() end
if (#ready > 0 or flow and flow.ready) and not rung then call('LPUSH', KEYS[4], 1) end
if earliest and not due_rung and (not first or earliest < tonumber(first)) then
  call('LPUSH', KEYS[5], 1)
end
return answers

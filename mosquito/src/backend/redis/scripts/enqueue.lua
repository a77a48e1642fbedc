-- KEYS[1] waiting, KEYS[2] scheduled, KEYS[3] runs, KEYS[4] wake, KEYS[5] due; when a run has a flow, from KEYS[6] on as in flow.lua, behind
-- which this script stands then
-- ARGV: for each run its id, its envelope without a time, and '' for now, '+ms' from now or '@ms' since 1970; when a run has a flow,
--       for each also what flow.lua declares, or three times ''
-- → for each run 1 when it is new, 0 when the queue holds its id already, 'd' and the id of another run that keeps it away,
--   'r' and the id of one that has its envelope now
--
-- Looking at every list first: a key of a wrong type fails here, before anything is written.
local rung = redis.call('LLEN', KEYS[4]) > 0
local due_rung = redis.call('LLEN', KEYS[5]) > 0
local waiting = redis.call('LLEN', KEYS[1])
local first = redis.call('ZRANGE', KEYS[2], 0, 0, 'WITHSCORES')[2]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local stamp = string.format('{"enqueued_at":%d,', now)
local flow = KEYS[6] and flow_control(6, now)

local answers, ready, earliest = {}, {}, nil
if flow then
  local keys = {}
  for i = 6, #ARGV, 6 do
    if ARGV[i] ~= '' then keys[#keys + 1] = ARGV[i] end
  end
  flow.look_up(keys)
end
for i = 1, #ARGV, flow and 6 or 3 do
  local id, envelope, when = ARGV[i], stamp .. string.sub(ARGV[i + 1], 2), ARGV[i + 2]
  local said, run, answer, moves = flow and ARGV[i + 3], nil, nil, nil
  local due = now
  if when ~= '' then
    due = tonumber(string.sub(when, 2))
    if string.sub(when, 1, 1) == '+' then due = now + due end
  end
  answer = redis.call('HSETNX', KEYS[3], id, envelope)
  if said and said ~= '' and answer == 1 then
    run = flow.declare(id, said, ARGV[i + 4], ARGV[i + 5], math.max(due, now))
    local kept_away
    if run then kept_away, moves = flow.kept_away(run, envelope, KEYS[3], KEYS[2]) end
    if kept_away then
      redis.call('HDEL', KEYS[3], id)
      answer = kept_away
    end
    if moves then id = run.id end
  end
  answers[#answers + 1] = answer
  if answer == 1 or moves then
    if due > now then
      redis.call('ZADD', KEYS[2], due, id)
      if run then flow.is_elsewhere(run) end
      if not earliest or due < earliest then earliest = due end
    else
      if moves then redis.call('ZREM', KEYS[2], id) end
      if not run or flow.wait(run) then ready[#ready + 1] = id end
    end
  end
end

if #ready > 0 then redis.call('LPUSH', KEYS[1], unpack(ready)) end
if flow then flow.save() end
if (#ready > 0 or flow and flow.ready) and not rung then redis.call('LPUSH', KEYS[4], 1) end
if earliest and not due_rung and (not first or earliest < tonumber(first)) then
  redis.call('LPUSH', KEYS[5], 1)
end
return answers

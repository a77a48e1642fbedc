-- KEYS[1] pending, KEYS[2] runs, KEYS[3] history, KEYS[4] waiting, KEYS[5] scheduled, KEYS[6] dead, KEYS[7] wake, KEYS[8] due,
-- KEYS[9] flows, KEYS[10] cancelled; from KEYS[11] on as in flow.lua, behind which this script stands then
-- ARGV: for each run its id, its claim, and its fate: 'f' forget, 'h' hand back, 'b' banish and a history,
--       'r' reschedule and a history and a delay in ms
-- → for each run 1 when it was settled, 0 when its claim does not stand; or 'flows', when nothing was done because some runs of the
--   queue have a flow, and it was called without the keys for that
--
-- A run that was cancelled under the claim that is settled is forgotten, whatever its fate.
-- Looking at every list first: a key of a wrong type fails here, before anything is written.
local first = redis.call('ZRANGE', KEYS[5], 0, 0, 'WITHSCORES')[2]
redis.call('HLEN', KEYS[2])
redis.call('HLEN', KEYS[3])
redis.call('ZCARD', KEYS[6])
local rung, due_rung = redis.call('LLEN', KEYS[7]) > 0, redis.call('LLEN', KEYS[8]) > 0
redis.call('LLEN', KEYS[4])
local marked = redis.call('HLEN', KEYS[10]) > 0
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local has_flows = redis.call('HLEN', KEYS[9]) > 0
if has_flows and not KEYS[11] then return 'flows' end
local flow = has_flows and flow_control(11, now)

local members, fates, at = {}, {}, 1
while at <= #ARGV do
  members[#members + 1] = ARGV[at + 1] .. '/' .. ARGV[at]
  fates[#fates + 1] = at
  local fate = ARGV[at + 2]
  at = at + (fate == 'r' and 5 or fate == 'b' and 4 or 3)
end

local standing = redis.call('ZMSCORE', KEYS[1], unpack(members))
local answers, settled, forgotten, handed_back, elsewhere = {}, {}, {}, {}, {}
local cancelled, unmarked, earliest, seen = {}, {}, nil, {}
for i, member in ipairs(members) do
  local id, fate = ARGV[fates[i]], ARGV[fates[i] + 2]
  local stands = standing[i] and not seen[member]
  seen[member] = true
  answers[i] = stands and 1 or 0
  if stands then
    settled[#settled + 1] = member
    if marked then
      local mark = redis.call('HGET', KEYS[10], id)
      if mark then unmarked[#unmarked + 1] = id end
      if mark == ARGV[fates[i] + 1] then fate, cancelled[i] = 'f', true end
    end
    -- The destination comes first: were Redis out of memory, it fails here, and the claim still stands.
    if fate == 'f' then
      forgotten[#forgotten + 1] = id
    elseif fate == 'h' then
      handed_back[#handed_back + 1] = i
    else
      redis.call('HSET', KEYS[3], id, ARGV[fates[i] + 3])
      if fate == 'b' then
        redis.call('ZADD', KEYS[6], now, id)
      else
        local due = now + tonumber(ARGV[fates[i] + 4])
        redis.call('ZADD', KEYS[5], due, id)
        if not earliest or due < earliest then earliest = due end
      end
    end
  end
end

-- From the last to the first, so that the first comes to stand in front.
if flow then
  local ids = {}
  for i, place in ipairs(fates) do ids[i] = ARGV[place] end
  local known = flow.of_all(ids)
  for i = #ids, 1, -1 do
    local run = answers[i] == 1 and known[i]
    if run then
      local fate = ARGV[fates[i] + 2]
      flow.left_pending(run)
      if cancelled[i] or fate == 'f' or fate == 'b' then flow.left_store(run, cancelled[i] or fate ~= 'f') end
      if fate == 'h' and not cancelled[i] and not flow.wait(run, true) then elsewhere[i] = true end
    end
  end
end
for i = #handed_back, 1, -1 do
  local place = handed_back[i]
  if not elsewhere[place] then redis.call('RPUSH', KEYS[4], ARGV[fates[place]]) end
end
if #settled > 0 then redis.call('ZREM', KEYS[1], unpack(settled)) end
-- The mark goes last: were Redis out of memory before, it would still stand.
if #unmarked > 0 then redis.call('HDEL', KEYS[10], unpack(unmarked)) end
if #forgotten > 0 then
  redis.call('HDEL', KEYS[2], unpack(forgotten))
  redis.call('HDEL', KEYS[3], unpack(forgotten))
  if flow then flow.forget(unpack(forgotten)) end
end
if flow then flow.save() end
if (#handed_back > 0 or flow and flow.ready) and not rung then redis.call('LPUSH', KEYS[7], 1) end
if earliest and not due_rung and (not first or earliest < tonumber(first)) then
  redis.call('LPUSH', KEYS[8], 1)
end
return answers

-- KEYS[1] waiting, KEYS[2] pending, KEYS[3] runs, KEYS[4] history, KEYS[5] owners, KEYS[6] wake, KEYS[7] paused,
-- KEYS[8] tickets, KEYS[9] dead, KEYS[10] turns, KEYS[11] held; and behind flow.lua and pick.lua, KEYS[12] scheduled, KEYS[13] due,
-- from KEYS[14] on as in flow.lua
-- ARGV[1] overseer, ARGV[2] ticket, ARGV[3] how many at most
-- → {'new' | 'held' | 'lost', and behind a space when the pause ends that keeps it from more runs, in ms; time, and when there is
--    anything: {ids of runs that waited too long and are removed}, then for each run: id, token, envelope, history or ''}; or
--    'flows', when nothing was done because runs of the queue have a flow, and it was called without the keys for that
--
-- A member of pending is a claim: 'overseer/ticket/position/time/id', all of one score, so that the claims of
-- an overseer, and those of one ticket, are each one range.
local overseer, ticket = ARGV[1], ARGV[2]
local beat = redis.call('ZSCORE', KEYS[5], overseer)
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local answer = { 'new', now }
if beat then
  if tonumber(beat) < 0 then return { 'lost', now } end
  answer[1] = 'held'
end

-- Tickets are of one width, so text compares as the numbers do.
local first, latest = string.match(beat and redis.call('HGET', KEYS[8], overseer) or '', '^(%x+) (%x+)$')
if first == ticket then answer[1] = 'new' end

local claim = overseer .. '/' .. ticket .. '/'
if latest and ticket <= latest then
  local before = redis.call('ZRANGEBYLEX', KEYS[2], '[' .. claim, '(' .. overseer .. '/' .. ticket .. '0')
  if #before == 0 then return answer end
  local ids = {}
  answer[3] = {}
  for i, member in ipairs(before) do ids[i] = string.match(member, '^[^/]*/[^/]*/[^/]*/[^/]*/(.*)$') end
  local envelopes = redis.call('HMGET', KEYS[3], unpack(ids))
  local histories = redis.call('HMGET', KEYS[4], unpack(ids))
  for i, id in ipairs(ids) do
    if envelopes[i] then
      answer[#answer + 1] = id
      answer[#answer + 1] = string.sub(before[i], 1, -#id - 2)
      answer[#answer + 1] = envelopes[i]
      answer[#answer + 1] = histories[i] or ''
    end
  end
  return answer
end

-- A key of a wrong type fails here, before anything is written.
local depth, rung = redis.call('LLEN', KEYS[1]), redis.call('LLEN', KEYS[6]) > 0
local attempted = redis.call('HLEN', KEYS[4]) > 0
redis.call('HLEN', KEYS[3])
redis.call('ZCARD', KEYS[2])
redis.call('HLEN', KEYS[8])
redis.call('ZCARD', KEYS[9])
local paused, held = redis.call('GET', KEYS[7]), redis.call('GET', KEYS[11])
local function spend()
  redis.call('ZADD', KEYS[5], now, overseer)
  redis.call('HSET', KEYS[8], overseer, (first or ticket) .. ' ' .. ticket)
end
if ARGV[3] == '0' then
  spend()
  return answer
end
if paused or held then
  -- What somebody wrote by hand, and is no time, is a pause without an end.
  local longest = -1
  for _, pause in pairs({ paused or '1', held or '1' }) do
    local till = tonumber(string.match(pause, '^%d+') or 0)
    if till == 0 then longest = math.huge elseif now < till then longest = math.max(longest, till) end
  end
  if longest > 0 and longest < math.huge then answer[1] = string.format('%s %d', answer[1], longest) end
  if longest > 0 then return answer end
end
-- Whoever enqueued a run with a flow has written there whose turn it is.
local has_flows = redis.call('HLEN', KEYS[10]) > 0
if depth == 0 and not has_flows then return answer end
if has_flows and not KEYS[12] then return 'flows' end
local flow = has_flows and flow_control(14, now)
local due_rung = flow and redis.call('LLEN', KEYS[13]) > 0
local scheduled = flow and tonumber(redis.call('ZRANGE', KEYS[12], 0, 0, 'WITHSCORES')[2])

-- Whether an id is UTF-8: nobody could name another one when it is settled, so its run would be performed for ever.
local function is_text(id)
  if not string.find(id, '[\128-\255]') then return true end
  local rest = '[\128-\191]'
  local sequences = {
    '[\194-\223]' .. rest,
    '\224[\160-\191]' .. rest, '[\225-\236\238\239]' .. rest .. rest, '\237[\128-\159]' .. rest,
    '\240[\144-\191]' .. rest .. rest, '[\241-\243]' .. rest .. rest .. rest, '\244[\128-\143]' .. rest .. rest,
  }
  for _, sequence in ipairs(sequences) do id = string.gsub(id, sequence, ' ') end
  return not string.find(id, '[\128-\255]')
end

local ids, expired, sleeps_until
if flow then
  sleeps_until = math.min(scheduled or math.huge, flow.first_due() or math.huge)
  ids, expired = pick(flow, KEYS[1], KEYS[3], KEYS[4], tonumber(ARGV[3]), now)
else
  ids, expired = redis.call('RPOP', KEYS[1], ARGV[3]), {}
end
local envelopes = #ids > 0 and redis.call('HMGET', KEYS[3], unpack(ids))
local histories = attempted and #ids > 0 and redis.call('HMGET', KEYS[4], unpack(ids)) or {}
if #ids + #expired > 0 then answer[3] = expired end
-- A run with a flow that cannot be claimed after all: what it took is given back.
local function drop(id)
  local run = flow and flow.of(id)
  if not run then return end
  flow.left_pending(run)
  flow.left_store(run, true)
end

local members = {}
for i, id in ipairs(ids) do
  -- A blank is what is left of a run that was deleted from the middle of a long list.
  if not envelopes[i] then
    drop(id)
    if flow then flow.forget(id) end
  elseif not is_text(id) then
    local read, history = pcall(cjson.decode, histories[i] or '')
    if not read or type(history) ~= 'table' then history = { attempts = 0 } end
    history.error = 'its id is not UTF-8 text: it was enqueued by hand'
    redis.call('HSET', KEYS[4], id, cjson.encode(history))
    redis.call('ZADD', KEYS[9], now, id)
    drop(id)
  else
    local token = string.format('%s%03d/%d', claim, i - 1, now)
    members[#members + 1] = 0
    members[#members + 1] = token .. '/' .. id
    answer[#answer + 1] = id
    answer[#answer + 1] = token
    answer[#answer + 1] = envelopes[i]
    answer[#answer + 1] = histories[i] or ''
  end
end
if #members > 0 then
  redis.call('ZADD', KEYS[2], unpack(members))
  spend()
end

local left = depth > #ids
if flow then
  flow.save()
  left = redis.call('LLEN', KEYS[1]) + redis.call('ZCARD', flow.lined_up) > 0
  local first = flow.first_due()
  -- Whoever promotes sleeps for longer.
  if first and first < sleeps_until and not due_rung then redis.call('LPUSH', KEYS[13], 1) end
end
-- One wakes one: whoever leaves runs behind wakes the next.
if left and not rung then redis.call('LPUSH', KEYS[6], 1) end
return answer

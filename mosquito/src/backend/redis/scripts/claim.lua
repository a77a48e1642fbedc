-- KEYS[1] waiting, KEYS[2] pending, KEYS[3] runs, KEYS[4] history, KEYS[5] owners, KEYS[6] wake, KEYS[7] paused,
-- KEYS[8] tickets, KEYS[9] dead, KEYS[10] held
-- ARGV[1] overseer, ARGV[2] ticket, ARGV[3] how many at most
-- → {'new' | 'held' | 'lost', and behind a space when the pause ends that keeps it from more runs, in ms; time, then for each
-- run: id, token, envelope, history or ''}
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
local paused, held = redis.call('GET', KEYS[7]), redis.call('GET', KEYS[10])
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
if depth == 0 then return answer end

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

local ids = redis.call('RPOP', KEYS[1], ARGV[3])
local envelopes = redis.call('HMGET', KEYS[3], unpack(ids))
local histories = attempted and redis.call('HMGET', KEYS[4], unpack(ids)) or {}
local members = {}
for i, id in ipairs(ids) do
  -- A blank is what is left of a run that was deleted from the middle of a long list.
  if envelopes[i] and not is_text(id) then
    local read, history = pcall(cjson.decode, histories[i] or '')
    if not read or type(history) ~= 'table' then history = { attempts = 0 } end
    history.error = 'its id is not UTF-8 text: it was enqueued by hand'
    redis.call('HSET', KEYS[4], id, cjson.encode(history))
    redis.call('ZADD', KEYS[9], now, id)
  elseif envelopes[i] then
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
-- One wakes one: whoever leaves runs behind wakes the next.
if depth > #ids and not rung then redis.call('LPUSH', KEYS[6], 1) end
return answer

-- In front of exchange.lua, which says what the keys are: runs for an overseer.
--
-- → behind what is in the answer: 'new' | 'held' | 'lost', and behind a space when the pause ends that keeps it from more runs, in ms;
--   time, and when there is anything: {ids of runs that waited too long and are removed}, {ids}, {envelopes}, {histories}, empty when
--   there are none, {tokens}, empty for those of a new claim, which can be told by their places
--
-- A member of pending is a claim: 'overseer/ticket/position/time/id', all of one score, so that the claims of an overseer, and those of
-- one ticket, are each one range. All but the id is the token. The position is two characters, digits to the base 32 from '0' on.

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

-- What a ticket got the first time.
local function claimed_before(answer, claim)
  local before = redis.call('ZRANGEBYLEX', KEYS[2], '[' .. claim .. '/', '(' .. claim .. '0')
  if #before == 0 then return end
  local ids, known, tokens, found, histories = {}, {}, {}, {}, {}
  for i, member in ipairs(before) do ids[i] = string.match(member, '^[^/]*/[^/]*/[^/]*/[^/]*/(.*)$') end
  local envelopes, attempts = redis.call('HMGET', KEYS[3], unpack(ids)), redis.call('HMGET', KEYS[4], unpack(ids))
  for i, id in ipairs(ids) do
    if envelopes[i] then
      local n = #known + 1
      known[n], tokens[n] = id, string.sub(before[i], 1, -#id - 2)
      found[n], histories[n] = envelopes[i], attempts[i] or ''
    end
  end
  answer[4], answer[5], answer[6], answer[7], answer[8] = {}, known, found, histories, tokens
end

local function claim(answer, flow, now, rings)
  local overseer, ticket, at_most = ARGV[1], ARGV[2], ARGV[3]
  local beat = redis.call('ZSCORE', KEYS[5], overseer)
  answer[2], answer[3] = 'new', now
  if beat then
    answer[2] = tonumber(beat) < 0 and 'lost' or 'held'
    if answer[2] == 'lost' then return end
  end

  -- Tickets are of one width, so text compares as the numbers do.
  local first, latest = string.match(beat and redis.call('HGET', KEYS[8], overseer) or '', '^(%x+) (%x+)$')
  if first == ticket then answer[2] = 'new' end
  local claim = overseer .. '/' .. ticket
  if latest and ticket <= latest then return claimed_before(answer, claim) end
  local function spend()
    redis.call('ZADD', KEYS[5], now, overseer)
    redis.call('HSET', KEYS[8], overseer, (first or ticket) .. ' ' .. ticket)
  end
  if at_most == '0' then return spend() end
  local paused, held = redis.call('GET', KEYS[7]), redis.call('GET', KEYS[11])
  if paused or held then
    -- What somebody wrote by hand, and is no time, is a pause without an end.
    local longest = -1
    for _, pause in pairs({ paused or '1', held or '1' }) do
      local till = tonumber(string.match(pause, '^%d+') or 0)
      if till == 0 then longest = math.huge elseif now < till then longest = math.max(longest, till) end
    end
    if longest > 0 and longest < math.huge then answer[2] = string.format('%s %d', answer[2], longest) end
    if longest > 0 then return end
  end
  local depth = redis.call('LLEN', KEYS[1])
  if depth == 0 and not flow then return end

  local attempted, ids, expired, sleeps_until = redis.call('HLEN', KEYS[4]) > 0, nil, {}, nil
  if flow then
    sleeps_until = flow.first_due() or math.huge
    ids, expired = pick(flow, KEYS[1], KEYS[3], KEYS[4], tonumber(at_most), now)
  else
    ids = redis.call('RPOP', KEYS[1], at_most)
  end
  local count, n = #ids, 0
  if count + #expired > 0 then answer[4] = expired end
  if count > 0 then
    local envelopes = redis.call('HMGET', KEYS[3], unpack(ids))
    local histories = attempted and redis.call('HMGET', KEYS[4], unpack(ids)) or {}
    -- A run with a flow that cannot be claimed after all: what it took is given back.
    local function drop(id)
      local run = flow and flow.of(id)
      if not run then return end
      flow.left_pending(run)
      flow.left_store(run, true)
    end
    local members, find, char, floor = {}, string.find, string.char, math.floor
    local before, after = claim .. '/', '/' .. string.format('%d', now) .. '/'
    for i = 1, count do
      local id = ids[i]
      -- A blank is what is left of a run that was deleted from the middle of a long list.
      if not envelopes[i] then
        drop(id)
        if flow then flow.forget(id) end
      elseif not find(id, '^%w*$') and not is_text(id) then
        local read, history = pcall(cjson.decode, histories[i] or '')
        if not read or type(history) ~= 'table' then history = { attempts = 0 } end
        history.error = 'its id is not UTF-8 text: it was enqueued by hand'
        redis.call('HSET', KEYS[4], id, cjson.encode(history))
        redis.call('ZADD', KEYS[9], now, id)
        drop(id)
      else
        n = n + 1
        members[2 * n - 1] = '0'
        members[2 * n] = before .. char(48 + floor(n / 32), 48 + n % 32) .. after .. id
        if n < i then ids[n], envelopes[n], histories[n] = id, envelopes[i], histories[i] end
      end
    end
    for i = n + 1, count do ids[i], envelopes[i], histories[i] = nil, nil, nil end
    if n > 0 then
      redis.call('ZADD', KEYS[2], unpack(members))
      spend()
      answer[5], answer[6], answer[7], answer[8] = ids, envelopes, histories, {}
    end
  end

  local left = depth > count
  if flow then
    flow.save()
    left = redis.call('LLEN', KEYS[1]) + redis.call('ZCARD', flow.lined_up) > 0
    local due = flow.first_due()
    if due and due < sleeps_until then rings.due_at(due) end
  end
  if left then rings.work() end
end


-- In front of the claim, behind flow.lua: which waiting runs go next, and whether a rate limit admits them. It does what `backend/lanes`
-- and `flow/rate.rs` do for the other stores, in the same order and with the same numbers.

-- How many lanes one claim looks at without getting a run from them; and the level that was passed over so often goes first once.
local LANES_PER_CALL, PATIENCE = 100, 100
-- After so many runs that waited too long a claim ends with what it has.
local EXPIRED_PER_CALL = 1000
-- How many runs of a lane, and how many lanes, are looked at ahead.
local MOST_USUAL, LANES_AHEAD = 20, 20

-- What a rate limit remembers: its kind, 'sliding', 'bucket' or 'fixed', 'per' how many ms, and parts, each a time and a count.
local function part_of(per) return math.floor((per + 79) / 80) end

-- When a part of a sliding window is forgotten.
local function over(index, per)
  local part = part_of(per)
  return (index + 1 + math.floor((per + part - 1) / part)) * part
end

-- Under which time something is counted that starts now.
local function time_of(rate, now)
  if rate.kind == 'sliding' then return math.floor(now / part_of(rate.per)) end
  if rate.kind == 'fixed' then return math.floor(now / rate.per) end
  return now
end

local function add(parts, at, count)
  local last = parts[#parts]
  if last and last[1] == at then
    last[2] = last[2] + count
  else
    parts[#parts + 1] = { at, count }
  end
end

-- How much counts now; what does not any more is forgotten.
local function counted(rate, limit, now)
  local per, at, kept, future, used = rate.per, time_of(rate, now), {}, 0, 0
  if rate.kind == 'bucket' then
    local before = rate.parts[1] or { now, 0 }
    local elapsed = math.min(math.max(now - before[1], 0), per)
    kept[1] = { now, math.max(0, before[2] - elapsed * limit) }
  else
    for _, part in ipairs(rate.parts) do
      if rate.kind == 'fixed' then
        if part[1] == at then kept[#kept + 1] = part end
      elseif part[1] > at then
        future = future + part[2]
      elseif over(part[1], per) > now then
        kept[#kept + 1] = part
      end
    end
    if future > 0 then add(kept, at, future) end
  end
  for _, part in ipairs(kept) do used = used + part[2] end
  rate.parts = kept
  return used
end

local KINDS = { sliding = true, bucket = true, fixed = true }

-- A rule, 'kind:limit:ms'; nothing when it cannot be read.
local function rule_of(text)
  local kind, limit, per = string.match(text or '', '^(%a+):(%d+):(%d+)$')
  limit, per = tonumber(limit), tonumber(per)
  return KINDS[kind] and limit > 0 and per > 0 and { kind = kind, limit = limit, per = per } or nil
end

-- What is remembered, from its text, 'kind per a:b,a:b', as it stands under a rule now.
local function rate_of(text, rule, now)
  local kind, per, parts = string.match(text or '', '^(%a+) (%d+) (.*)$')
  local rate = { kind = rule.kind, per = rule.per, parts = {} }
  if KINDS[kind] and tonumber(per) > 0 then
    rate.kind, rate.per = kind, tonumber(per)
    for at, count in string.gmatch(parts, '(%-?%d+):(%-?%d+)') do
      rate.parts[#rate.parts + 1] = { tonumber(at), tonumber(count) }
    end
  end
  if rate.kind ~= rule.kind or rate.per ~= rule.per then
    -- The rule was changed: what counted counts as started now.
    local runs = counted(rate, 1000000, now)
    if rate.kind == 'bucket' then runs = math.floor(runs / rate.per) end
    runs = math.min(runs, rule.limit)
    rate = { kind = rule.kind, per = rule.per, parts = {} }
    if runs > 0 then
      rate.parts[1] = { time_of(rate, now), rate.kind == 'bucket' and runs * rate.per or runs }
    end
  end
  rate.used = counted(rate, rule.limit, now)
  return rate
end

-- Counts a run in, if it may start now. → nothing, or the time before which it may not
local function admit(rate, rule, weight, now)
  local limit, per, is_bucket = rule.limit, rate.per, rate.kind == 'bucket'
  weight = math.max(1, math.min(weight, limit))
  local cost, room = is_bucket and weight * per or weight, is_bucket and limit * per or limit
  -- In this order no number is larger than the largest that is exact.
  local excess = cost - (room - rate.used)
  if excess <= 0 then
    add(rate.parts, time_of(rate, now), cost)
    rate.used = rate.used + cost
    return nil
  end
  if is_bucket then return now + math.floor((excess + limit - 1) / limit) end
  if rate.kind == 'fixed' then return (math.floor(now / per) + 1) * per end
  local gone = 0
  for _, part in ipairs(rate.parts) do
    gone = gone + part[2]
    if gone >= excess then return over(part[1], per) end
  end
  return now + per
end

-- From when on it says the same as nothing would, and its text.
local function kept_until(rate)
  local last, texts = rate.parts[#rate.parts], {}
  last = last and last[1] or 0
  for i, part in ipairs(rate.parts) do texts[i] = string.format('%d:%d', part[1], part[2]) end
  local fades = last + rate.per
  if rate.kind == 'sliding' then fades = over(last, rate.per) end
  if rate.kind == 'fixed' then fades = (last + 1) * rate.per end
  return fades, string.format('%s %d %s', rate.kind, rate.per, table.concat(texts, ','))
end

-- Takes up to so many runs out of their lanes: ids in order, of which each has its slots. And the ids of those that waited too long, which
-- are removed.
local function pick(flow, waiting, runs, history, at_most, now)
  local turn, picked, expired, patience = flow.turn, {}, {}, LANES_PER_CALL
  -- Whether the ready lanes are to be looked at again.
  local has_changed = false
  -- How many runs are likely to go from the next lane.
  local usual = 1

  local function goes_on() return patience > 0 and #expired < EXPIRED_PER_CALL end

  local function is_expired(run)
    if not run.expires or run.expires > now then return false end
    local read, before = pcall(cjson.decode, redis.call('HGET', history, run.id) or '')
    return not (read and type(before) == 'table' and (tonumber(before.attempts) or 0) > 0)
  end

  -- Claims a run that has left its lane, which may be the list `waiting`, unless it has expired. → 1 when it was claimed, else 0
  local function take(id, run, is_in_list)
    if not run then
      picked[#picked + 1] = id
      return 1
    end
    if is_expired(run) then
      flow.left_store(run, true)
      redis.call('HDEL', runs, id)
      redis.call('HDEL', history, id)
      flow.forget(id)
      expired[#expired + 1] = id
      return 0
    end
    flow.take_slots(run)
    if run.key and run.flow.keeps == 'start' then flow.release(run) end
    -- A place in `lanes` that is given up needs no word: nobody is found there.
    if is_in_list then flow.is_elsewhere(run) end
    picked[#picked + 1] = id
    return 1
  end

  -- Up to so many members from the front of a lane.
  local function members_of(lane, count)
    return redis.call('ZRANGEBYLEX', flow.lanes, '[' .. lane .. ' ', '(' .. lane .. '!', 'LIMIT', 0, count)
  end

  -- Takes the first so many out of their lane. They stand next to each other.
  local function leave(members, count)
    if count > 0 then redis.call('ZREMRANGEBYLEX', flow.lanes, '[' .. members[1], '[' .. members[count]) end
  end

  -- The first so many of these members, their ids, and their flows by number; and how many others there were. What has no flow was
  -- written by hand, and waits as a plain run from now on.
  local function head(lane, members, count)
    local ids, behind = {}, #lane + 17
    for i = 1, math.min(#members, count) do
      -- Behind the lane and the place.
      if string.byte(members[i], behind - 1) == 32 then
        ids[i] = string.sub(members[i], behind)
      else
        local blank = string.find(members[i], ' ', #lane + 2, true)
        ids[i] = blank and string.sub(members[i], blank + 1) or ''
      end
    end
    local known, missing = flow.of_lane(ids)
    if missing == 0 then return members, ids, known, 0 end
    local known_members, known_ids, known_runs = {}, {}, {}
    for i, id in ipairs(ids) do
      if known[i] then
        local n = #known_runs + 1
        known_members[n], known_ids[n], known_runs[n] = members[i], id, known[i]
      else
        redis.call('LPUSH', waiting, id)
        redis.call('ZREM', flow.lanes, members[i])
        has_changed = true
      end
    end
    return known_members, known_ids, known_runs, missing
  end

  -- The jobs whose runs are put aside, once what was blocked or paused until now is awake.
  local paused, has_paused = {}, false

  -- The job of a run, if it is paused.
  local function paused_job(id)
    local read, envelope = pcall(cjson.decode, redis.call('HGET', runs, id) or '')
    local job = read and type(envelope) == 'table' and envelope.job
    return type(job) == 'string' and paused[job] and job
  end

  -- Puts aside what is of a paused job, until it is not among the first so many of a lane. → whether it came to that
  local function put_aside(lane, room)
    if not has_paused or string.find(lane, '=', 1, true) then return true end
    local stays = 0
    repeat
      local before, moved, ids, _ = stays, 0, {}, nil
      if lane == PLAIN then
        local items = redis.call('LRANGE', waiting, -room, -1)
        for i = #items, 1, -1 do ids[#ids + 1] = items[i] end
      else
        _, ids = head(lane, members_of(lane, room), room)
      end
      for i = before + 1, #ids do
        local job = paused_job(ids[i])
        if not job then
          stays = stays + 1
        elseif patience <= 0 then
          return false
        else
          patience, moved = patience - 1, moved + 1
          if lane == PLAIN then redis.call('LREM', waiting, -1, ids[i]) end
          flow.put_aside(ids[i], job)
          has_changed = true
        end
      end
    until moved == 0
    return true
  end

  local function from_unkeyed(lane, room)
    if not put_aside(lane, room) then return 0 end
    local ids, known, took = nil, nil, 0
    if lane == PLAIN then
      ids = redis.call('RPOP', waiting, room) or {}
      known = flow.of_all(ids)
    else
      local members
      members, ids, known = head(lane, members_of(lane, room), room)
      leave(members, #ids)
      if #members_of(lane, 1) == 0 then redis.call('ZREM', flow.lined_up, lane) end
    end
    for i, id in ipairs(ids) do took = took + take(id, known[i], lane == PLAIN) end
    if took == 0 then patience = patience - 1 end
    return took
  end

  -- → how many runs were claimed, and whether the lane is still ready: with the turn that it had, or with another one
  local function from_lane(lane, its_turn, room, alone)
    if not put_aside(lane, room) then return 0 end
    -- One more than may go tells whether that was all. How many may go is known of the first, and is often as before.
    local guess = math.min(room, usual)
    local members = members_of(lane, guess + 1)
    local known_members, ids, known, others = head(lane, members, guess)
    local first = known[1]
    if not first then
      patience = patience - 1
      if #members_of(lane, 1) == 0 then flow.unsaved[lane] = false end
      has_changed = true
      return 0
    end
    if flow.parks(lane, paused, first.flow.slots) then
      patience, has_changed = patience - 1, true
      return 0
    end
    local level = tonumber(string.sub(lane, 1, 1))
    local served = turn.served[level]
    served = served and served[1] == lane and served[2] or 0
    local due = alone and math.huge or math.max(first.flow.weight - served, 1)
    local quantum = math.min(room, due)
    local full, free = nil, math.huge
    for _, slot in ipairs(first.flow.slots) do
      local left = flow.free(slot)
      if left < free then free, full = left, slot end
    end
    local rule = first.flow.rate and rule_of(flow.rule('rate/' .. flow.limit_of(first.flow.rate)))
    local rate = rule and rate_of(redis.call('HGET', flow.rates, first.flow.rate), rule, now)
    usual = math.min(first.flow.weight, MOST_USUAL)
    if quantum > guess and #members > guess then
      members = members_of(lane, quantum + 1)
      known_members, ids, known, others = head(lane, members, quantum)
    end
    local took, gone, blocked = 0, 0, nil
    for i = 1, math.min(#known, quantum) do
      local run = known[i]
      local is_over = is_expired(run)
      if not is_over and free == took then break end
      if not is_over and rate then
        blocked = admit(rate, rule, run.weight or 1, now)
        if blocked then break end
      end
      if not is_over then took = took + 1 end
      gone = gone + 1
    end
    if took > 0 and rate then
      local fades, text = kept_until(rate)
      redis.call('HSET', flow.rates, first.flow.rate, text)
      redis.call('ZADD', flow.fading, fades, 'r/' .. first.flow.rate)
    end
    leave(known_members, gone)
    for i = 1, gone do take(ids[i], known[i]) end
    turn.served[level] = nil
    local next_turn
    if gone + others == #members then
      flow.unsaved[lane] = false
    elseif blocked then
      flow.stand(lane, flow.text_of(its_turn), 'blocked', string.format('%d', blocked))
    elseif full and took == free then
      flow.stand(lane, flow.text_of(took == 0 and its_turn or flow.next_turn()), 'parked', full)
    elseif not alone and gone > 0 and gone < due then
      turn.served[level] = { lane, served + gone }
      next_turn = its_turn
    else
      next_turn = flow.next_turn()
      flow.unsaved[lane] = next_turn
    end
    local woken = flow.woken
    for _, slot in ipairs(first.flow.slots) do flow.wake_parked(slot) end
    if flow.woken > woken then has_changed = true end
    if took == 0 then patience = patience - 1 end
    return took, next_turn
  end

  -- The levels with something ready, the most urgent first.
  local function levels()
    local found, level = {}, -1
    local plain = redis.call('LLEN', waiting) > 0
    while level < 9 do
      local first = redis.call('ZRANGEBYSCORE', flow.lined_up, (level + 1) * LEVEL, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)[2]
      local after = first and math.floor(first / LEVEL) or 10
      if plain and level < 5 and after > 5 then found[#found + 1] = 5 end
      if after < 10 then found[#found + 1] = after end
      level = after
    end
    return found
  end

  -- The level to claim from, and how many runs at most before it is asked again.
  local function choose(ready, room)
    local is_ready = {}
    for _, level in ipairs(ready) do is_ready[level] = true end
    for level = 0, 9 do
      if not is_ready[level] then turn.passed[level] = 0 end
    end
    local starved
    -- The one that was passed over most often; of several, the least urgent.
    for i = 2, #ready do
      if not starved or turn.passed[ready[i]] >= turn.passed[starved] then starved = ready[i] end
    end
    if not starved then return ready[1], room end
    if turn.passed[starved] >= PATIENCE then return starved, math.min(room, 1) end
    return ready[1], math.min(room, PATIENCE - turn.passed[starved])
  end

  -- The first lanes of a level with their turns, in pairs, and whether there are more of them; and whether runs without a key wait.
  local function line_of(level, count)
    flow.write()
    has_changed = false
    local line = redis.call('ZRANGEBYSCORE', flow.lined_up, level * LEVEL, '(' .. string.format('%d', (level + 1) * LEVEL), 'WITHSCORES',
      'LIMIT', 0, count)
    local has_more, waits = #line == 2 * count, nil
    if tostring(level) == PLAIN then
      waits = redis.call('LLEN', waiting) > 0
    else
      waits = line[1] == tostring(level)
    end
    return line, tostring(level) ~= PLAIN and waits and 3 or 1, has_more, waits
  end

  local function from_level(level, room)
    local unkeyed, took = tostring(level), 0
    local line, at, has_more, waits = line_of(level, math.min(room, LANES_AHEAD) + 2)
    while took < room and goes_on() do
      -- Whether a lane is alone must be known of the last one, too.
      if has_changed or has_more and not line[at + 2] then
        line, at, has_more, waits = line_of(level, math.min(room - took, LANES_AHEAD) + 2)
      end
      local lane, alone = line[at], not line[at + 2]
      if not waits and not lane then break end
      local is_its_turn = lane ~= nil
      if waits and lane then
        turn.keyed[level] = not turn.keyed[level]
        is_its_turn, alone = not turn.keyed[level], false
      end
      if is_its_turn then
        local its_turn = line[at + 1] - level * LEVEL
        local more, next_turn = from_lane(lane, its_turn, waits and 1 or room - took, alone)
        took = took + more
        if next_turn ~= its_turn then
          at = at + 2
          -- Where there are more than were looked at, it stands behind those.
          if next_turn and not has_more then
            line[#line + 1] = lane
            line[#line + 1] = level * LEVEL + next_turn
          end
        end
      else
        took = took + from_unkeyed(unkeyed, lane and 1 or room - took)
        if unkeyed == PLAIN then
          waits = redis.call('LLEN', waiting) > 0
        else
          waits = #members_of(unkeyed, 1) > 0
        end
      end
    end
    flow.write()
    return took
  end

  flow.wake_due(LANES_PER_CALL)
  for _, pause in ipairs(flow.job_pauses()) do
    if pause[2] == 0 or now < pause[2] then paused[pause[1]], has_paused = true, true end
  end
  while #picked < at_most and goes_on() do
    local ready = levels()
    if not ready[1] then
      choose(ready, 0)
      break
    end
    local level, room = choose(ready, at_most - #picked)
    local took = from_level(level, room)
    if took > 0 then
      turn.passed[level] = 0
      for _, other in ipairs(ready) do
        if other > level then turn.passed[other] = turn.passed[other] + took end
      end
    end
  end
  return picked, expired
end


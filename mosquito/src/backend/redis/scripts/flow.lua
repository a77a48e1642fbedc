-- In front of every script that moves runs with a flow: the lanes in which they wait, the slots that they take, the keys by which they
-- keep others away. It does what `backend/lanes` does for the other stores, in the same order.
--
-- From KEYS[first] on stand lanes, ready, standing, blocked, parked, slots, rules, rates, unique, flows, turns, fading and jobs, of
-- which `keys.rs` says what each holds. Only a script that meets such a run calls this: others are not to pay for it.
local PLAIN, LEVEL, MIDDLE, MOST = '5', 2 ^ 44, 2 ^ 52, 2 ^ 53 - 1
-- How many runs go at a turn from a lane of which nobody said that it is to be fair.
local BURST = 10

local function flow_control(first, now)
  local lanes, ready, standing = KEYS[first], KEYS[first + 1], KEYS[first + 2]
  local blocked, parked, slots = KEYS[first + 3], KEYS[first + 4], KEYS[first + 5]
  local rules, rates, unique = KEYS[first + 6], KEYS[first + 7], KEYS[first + 8]
  local flows, turns, fading, jobs = KEYS[first + 9], KEYS[first + 10], KEYS[first + 11], KEYS[first + 12]
  -- A key of a wrong type fails here, before anything is written.
  for _, key in ipairs({ lanes, ready, blocked, slots, fading }) do redis.call('ZCARD', key) end
  local anything_parked = redis.call('ZCARD', parked) > 0
  for _, key in ipairs({ standing, rules, rates, unique, flows, turns }) do redis.call('HLEN', key) end
  local has_pauses = redis.call('HLEN', jobs) > 0

  -- Its field `ready` says whether a lane became ready; `woken`, how many of those that were held up.
  local flow = { lanes = lanes, lined_up = ready, rates = rates, fading = fading, ready = false, woken = 0 }

  -- Writes of one kind are collected, because a call costs more than what it writes. Whoever reads what may be among them writes
  -- them down first.
  local batches = {}
  local function batch(command, key)
    local args, count = {}, 0
    local function send()
      if count > 0 then redis.call(command, key, unpack(args)) end
      args, count = {}, 0
    end
    batches[#batches + 1] = send
    return function(first, second)
      -- Lua hands over a few thousand arguments at most.
      if count > 2000 then send() end
      args[count + 1], args[count + 2] = first, second
      count = count + (second and 2 or 1)
    end
  end
  local put_in_lane = batch('ZADD', lanes)
  local take_slot, free_slot = batch('ZADD', slots), batch('ZREM', slots)
  local stand_in_line, leave_line = batch('ZADD', ready), batch('ZREM', ready)
  local note_standing, forget_standing = batch('HSET', standing), batch('HDEL', standing)
  local note_flow, hold_key = batch('HSET', flows), batch('HSET', unique)

  -- Whose turn it is: how often each level was passed over, in which a lane with a key goes next, the latest turn, the places in front of
  -- all lanes and behind them; and the lanes in the middle of their turn, with how many of their runs went in it.
  local saved = redis.call('HMGET', turns, 'latest', 'passed', 'keyed', 'front', 'back', 'served')
  local turn = {
    latest = tonumber(saved[1]) or 0,
    passed = {},
    keyed = {},
    served = {},
    front = tonumber(saved[4]) or MIDDLE,
    back = tonumber(saved[5]) or MIDDLE,
  }
  flow.turn = turn
  local passed = string.gmatch(saved[2] or '', '%d+')
  for level = 0, 9 do
    turn.passed[level] = tonumber(passed() or 0)
    turn.keyed[level] = string.sub(saved[3] or '', level + 1, level + 1) == '1'
  end
  for lane, runs in string.gmatch(saved[6] or '', '(%d[^ ,]*) (%d+)') do
    turn.served[tonumber(string.sub(lane, 1, 1))] = { lane, tonumber(runs) }
  end

  -- Writes down what was collected, and whose turn it is, where that changed.
  function flow.save()
    flow.write()
    local levels, keyed, served = {}, '', {}
    for level = 0, 9 do
      levels[level + 1] = string.format('%d', turn.passed[level])
      keyed = keyed .. (turn.keyed[level] and '1' or '0')
      local lane = turn.served[level]
      if lane then served[#served + 1] = string.format('%s %d', lane[1], lane[2]) end
    end
    local text = { string.format('%d', turn.latest), table.concat(levels, ','), keyed,
      string.format('%d', turn.front), string.format('%d', turn.back), table.concat(served, ',') }
    for i = 1, 6 do
      if text[i] ~= (saved[i] or i == 6 and '') then
        redis.call('HSET', turns, 'latest', text[1], 'passed', text[2], 'keyed', text[3], 'front', text[4], 'back', text[5],
          'served', text[6])
        saved = text
        return
      end
    end
  end

  -- The number of a turn behind all others; and its text, of one width, so that text compares as the numbers do.
  function flow.next_turn()
    turn.latest = turn.latest + 1
    return turn.latest
  end

  function flow.text_of(number) return string.format('%012x', number) end

  -- How a lane with a key stands: 'ready', 'blocked' or 'parked', its turn, and the time or the slot; nothing when it is not in use.
  function flow.standing(lane)
    return string.match(redis.call('HGET', standing, lane) or '', '^(%a+) (%x+) ?(.*)$')
  end

  -- Who found a lane of which nothing is known found it in `ready`: somebody wrote it there by hand.
  local function step_out(lane, how, its_turn, at)
    if how == 'ready' or not how then redis.call('ZREM', ready, lane) end
    if how == 'blocked' then redis.call('ZREM', blocked, its_turn .. '/' .. lane) end
    if how == 'parked' then redis.call('ZREM', parked, at .. '/' .. its_turn .. '/' .. lane) end
  end

  function flow.stand(lane, its_turn, how, at)
    if flow.unsaved[lane] ~= nil then flow.write_line() end
    step_out(lane, flow.standing(lane))
    redis.call('HSET', standing, lane, how .. ' ' .. its_turn .. ' ' .. (at or ''))
    if how == 'ready' then
      redis.call('ZADD', ready, string.sub(lane, 1, 1) * LEVEL + tonumber(its_turn, 16), lane)
      flow.ready = true
    elseif how == 'blocked' then
      redis.call('ZADD', blocked, at, its_turn .. '/' .. lane)
    else
      redis.call('ZADD', parked, 0, at .. '/' .. its_turn .. '/' .. lane)
      anything_parked = true
    end
  end

  -- The ready lanes that stay ready with another turn, and those that are empty now, of which it says `false`.
  flow.unsaved = {}

  function flow.write_line()
    for lane, its_turn in pairs(flow.unsaved) do
      if its_turn then
        note_standing(lane, string.format('ready %012x ', its_turn))
        stand_in_line(string.sub(lane, 1, 1) * LEVEL + its_turn, lane)
        flow.ready = true
      else
        leave_line(lane)
        forget_standing(lane)
      end
    end
    flow.unsaved = {}
    for _, send in ipairs(batches) do send() end
  end

  -- Forgets a lane that has no runs.
  function flow.clear(lane)
    step_out(lane, flow.standing(lane))
    redis.call('HDEL', standing, lane)
  end

  function flow.is_empty(lane)
    flow.write()
    return redis.call('ZLEXCOUNT', lanes, '[' .. lane .. ' ', '(' .. lane .. '!') == 0
  end

  -- Makes a lane ready that was held up, 'turn/lane'.
  local function wake(set, member, held_up)
    redis.call('ZREM', set, member)
    local its_turn, lane = string.match(held_up, '^(%x+)/(%d.*)$')
    if not lane then return end
    flow.stand(lane, its_turn, 'ready')
    flow.woken = flow.woken + 1
  end

  -- The jobs that are paused, and those whose pause is over and not forgotten, in the order of their names: each its name, and until when
  -- in ms, or 0. What somebody wrote by hand, and is no time, is a pause without an end.
  function flow.job_pauses()
    local pauses = {}
    if not has_pauses then return pauses end
    local all = redis.call('HGETALL', jobs)
    for i = 1, #all, 2 do
      if string.find(all[i], '^[%w_.:-]+$') then
        pauses[#pauses + 1] = { all[i], tonumber(string.match(all[i + 1], '^%d+') or 0) }
      end
    end
    table.sort(pauses, function(a, b) return a[1] < b[1] end)
    return pauses
  end

  function flow.pause_job(job, till, words)
    redis.call('HSET', jobs, job, string.format('%d %d %s', till, now, words))
    has_pauses = true
  end

  -- Makes lanes ready of jobs that are paused no more, up to so many, and forgets pauses of which none is left. → how many lanes
  local function wake_resumed(count)
    local woken = 0
    for _, pause in ipairs(flow.job_pauses()) do
      local job, till = pause[1], pause[2]
      if till > 0 and till <= now then
        local at = '=' .. job
        local lanes_there = redis.call('ZRANGEBYLEX', parked, '[' .. at .. '/', '(' .. at .. '0', 'LIMIT', 0, count - woken)
        for _, member in ipairs(lanes_there) do wake(parked, member, string.sub(member, #at + 2)) end
        woken = woken + #lanes_there
        if woken == count then break end
        redis.call('HDEL', jobs, job)
      end
    end
    return woken
  end

  -- Ends the pause of a job, if there is one. It stands until all lanes that it parked are ready; promotions make the rest ready.
  function flow.resume_job(job)
    local kept = redis.call('HGET', jobs, job)
    if not kept then return end
    redis.call('HSET', jobs, job, string.format('%d ', now) .. (string.match(kept, '^%d+ (.*)$') or ''))
    wake_resumed(100)
  end

  -- Makes up to so many lanes ready that were blocked until now, or whose job is paused no more. → how many
  function flow.wake_due(count)
    local due = redis.call('ZRANGEBYSCORE', blocked, '-inf', now, 'LIMIT', 0, count)
    for _, member in ipairs(due) do
      wake(blocked, member, member)
    end
    return #due + wake_resumed(count - #due)
  end

  -- When the first lane is blocked until, or the first pause of a job ends; nothing when none is.
  function flow.first_due()
    local due = tonumber(redis.call('ZRANGE', blocked, 0, 0, 'WITHSCORES')[2])
    for _, pause in ipairs(flow.job_pauses()) do
      if pause[2] > 0 and (not due or pause[2] < due) then due = pause[2] end
    end
    return due
  end

  -- The limit of 'limit/key'.
  function flow.limit_of(name)
    return string.match(name, '^[^/]*')
  end

  -- A rule of a limit, as it stands in `rules`.
  local known_rules = {}
  function flow.rule(name)
    if known_rules[name] == nil then known_rules[name] = redis.call('HGET', rules, name) end
    return known_rules[name] or nil
  end

  local function set_rule(name, rule)
    if known_rules[name] == rule then return end
    redis.call('HSET', rules, name, rule)
    known_rules[name] = rule
  end

  -- How often a slot is free. A limit without a rule limits nothing.
  local used, is_uncounted = {}, false
  function flow.free(slot)
    local limit = tonumber(flow.rule('concurrency/' .. flow.limit_of(slot)))
    if not limit then return math.huge end
    if not used[slot] then
      if is_uncounted then flow.write() end
      is_uncounted = false
      used[slot] = redis.call('ZLEXCOUNT', slots, '[' .. slot .. '/', '(' .. slot .. '0')
    end
    return math.max(0, limit - used[slot])
  end

  -- Makes as many lanes ready as a slot is free times, of those parked there.
  function flow.wake_parked(slot)
    if not anything_parked then return end
    local free = math.min(flow.free(slot), 100)
    if free == 0 then return end
    for _, member in ipairs(redis.call('ZRANGEBYLEX', parked, '[' .. slot .. '/', '(' .. slot .. '0', 'LIMIT', 0, free)) do
      wake(parked, member, string.sub(member, #slot + 2))
    end
  end

  function flow.take_slots(run)
    for _, slot in ipairs(run.flow.slots) do
      take_slot(0, slot .. '/' .. run.id)
      if used[slot] then used[slot] = used[slot] + 1 else is_uncounted = true end
    end
  end

  -- Gives back what a run has while it is pending.
  function flow.left_pending(run)
    for _, slot in ipairs(run.flow.slots) do
      used[slot] = nil
      if not anything_parked then
        free_slot(slot .. '/' .. run.id)
        is_uncounted = true
      else
        flow.write()
        if redis.call('ZREM', slots, slot .. '/' .. run.id) == 1 then flow.wake_parked(slot) end
      end
    end
  end

  local released, of_runs = {}, {}
  local function write_released()
    if #released == 0 then return end
    local keys, gone, faded = released, {}, {}
    for i, text in ipairs(redis.call('HMGET', unique, unpack(keys))) do
      local id = of_runs[i]
      if text == '0 ' .. id then
        gone[#gone + 1] = keys[i]
      elseif string.match(text or '', '^%d+ (.*)$') == id then
        gone[#gone + 1] = keys[i]
        faded[#faded + 1] = 'u/' .. keys[i]
      end
    end
    if #gone > 0 then redis.call('HDEL', unique, unpack(gone)) end
    if #faded > 0 then redis.call('ZREM', fading, unpack(faded)) end
    released, of_runs = {}, {}
  end

  -- Lets go of the unique key of a run, if that has it.
  function flow.release(run)
    -- A claim may remove many thousands that have expired, and Lua hands over a few thousand arguments at most.
    if #released == 2000 then write_released() end
    released[#released + 1], of_runs[#of_runs + 1] = run.key, run.id
  end

  -- Lets go of what a run keeps others away by, when it leaves the store. A time that was said goes on, unless the run is undone:
  -- dead, expired or deleted.
  function flow.left_store(run, undone)
    if run.key and (undone or run.flow.keeps ~= 'for') then flow.release(run) end
  end

  -- What many runs have in common of their flows, 'lane {..}': the lane, and as JSON its weight, the key of its rate limit and the slots,
  -- each 'limit/key', and how a unique key is kept. Nothing where somebody wrote by hand what cannot be read.
  local known_flows = {}
  local function flow_of(text)
    if known_flows[text] ~= nil then return known_flows[text] or nil end
    known_flows[text] = false
    local lane, json = string.match(text, '^(%d%S*) (.*)$')
    local read, said = pcall(cjson.decode, json or '')
    if not read or type(said) ~= 'table' then return nil end
    local one = { lane = lane, slots = {}, replaces = said.replace == true }
    one.weight = math.max(1, math.floor(tonumber(said.weight) or BURST))
    one.rate = type(said.rate) == 'string' and said.rate or nil
    one.keeps = type(said.unique) == 'string' and said.unique or nil
    for _, slot in ipairs(type(said.slots) == 'table' and said.slots or {}) do
      if type(slot) == 'string' then one.slots[#one.slots + 1] = slot end
    end
    known_flows[text] = one
    return one
  end

  -- What is known of a run: its flow, as above, and what is its own, 'expires,weight,key' of which each may be nothing: until when in ms
  -- its first attempt is to start, as how many runs it counts, and its unique key. And its place: '-' where it does not wait, '+' in
  -- the list `waiting`, or that in `lanes`, which is the last one that it had.
  local function read(id, text)
    local blank = text and string.find(text, ' ', 2, true)
    local feed = blank and string.find(text, '\n', blank, true)
    local comma = feed and string.find(text, ',', feed, true)
    local last = comma and string.find(text, ',', comma + 1, true)
    local said = last and string.sub(text, blank + 1, feed - 1)
    local of_many = said and flow_of(said)
    if not of_many then return nil end
    local run = { id = id, flow = of_many, said = said, text = text, blank = blank, feed = feed }
    if comma > feed + 1 then run.expires = tonumber(string.sub(text, feed + 1, comma - 1)) end
    if last > comma + 1 then run.weight = tonumber(string.sub(text, comma + 1, last - 1)) end
    if of_many.keeps then run.key = string.sub(text, last + 1) end
    return run
  end

  -- The flow of a run.
  local noted = {}
  function flow.of(id)
    return read(id, noted[id] or redis.call('HGET', flows, id))
  end

  -- The flows of runs, by number; nothing for plain ones.
  function flow.of_all(ids)
    local all = {}
    if #ids == 0 then return all end
    for i, text in ipairs(redis.call('HMGET', flows, unpack(ids))) do all[i] = read(ids[i], noted[ids[i]] or text) end
    return all
  end

  -- The same for runs of one lane that are to be claimed: of most there is nothing to know but what the first one has in common with
  -- them. And how many have none.
  function flow.of_lane(ids)
    local all, missing, tail, common = {}, 0, nil, nil
    if #ids == 0 then return all, missing end
    for i, text in ipairs(redis.call('HMGET', flows, unpack(ids))) do
      local id = ids[i]
      text = noted[id] or text
      -- Behind its place.
      if tail and text and string.find(text, tail, 15, true) == 15 then
        all[i] = { id = id, flow = common }
      else
        local run = read(id, text)
        all[i] = run
        if not run then
          missing = missing + 1
        elseif not tail and run.flow.keeps ~= 'start' then
          tail, common = ' ' .. run.said .. '\n,,', run.flow
        end
      end
    end
    return all, missing
  end

  local function own_of(run) return run.own or string.sub(run.text, run.feed + 1) end

  function flow.place_of(run) return run.place or run.text and string.sub(run.text, 1, run.blank - 1) end

  local function note(run, place)
    run.place = place
    noted[run.id] = place .. ' ' .. run.said .. '\n' .. own_of(run)
  end

  -- That a run does not wait.
  function flow.is_elsewhere(run) note(run, '-') end

  function flow.forget(...)
    if next(noted) then
      for _, id in ipairs({ ... }) do noted[id] = nil end
    end
    redis.call('HDEL', flows, ...)
  end

  -- Has a run wait behind all others of its lane, or in front of them. → whether its lane is the list `waiting`: that is written by
  -- the caller, who may have plain runs for it.
  local come_to = {}
  function flow.wait(run, in_front)
    local lane = run.lane or run.flow.lane
    if lane == PLAIN then
      note(run, '+')
      return true
    end
    if in_front then turn.front = turn.front - 1 end
    local place = string.format('%014x', in_front and turn.front or turn.back)
    if not in_front then turn.back = turn.back + 1 end
    put_in_lane(0, lane .. ' ' .. place .. ' ' .. run.id)
    note(run, place)
    if #lane == 1 then
      stand_in_line(lane * LEVEL, lane)
      flow.ready = true
    else
      come_to[#come_to + 1] = lane
    end
    return false
  end

  -- Has the lanes to which runs have come stand in line.
  local function line_up()
    if #come_to == 0 then return end
    local line = come_to
    come_to = {}
    for i, text in ipairs(redis.call('HMGET', standing, unpack(line))) do
      local lane = line[i]
      local how = string.match(text or '', '^(%a+) %x+ ?.*$')
      if how == 'ready' then flow.ready = true end
      if not how and not flow.unsaved[lane] then flow.unsaved[lane] = flow.next_turn() end
    end
  end

  -- Writes down what was collected.
  function flow.write()
    if next(noted) then
      for id, text in pairs(noted) do note_flow(id, text) end
      noted = {}
    end
    line_up()
    write_released()
    flow.write_line()
  end

  -- Takes a run out of its lane, unless that is the list `waiting`; when it was the last one, others go in its place. → how many were there
  function flow.wait_no_more(run)
    local lane, place = run.flow.lane, flow.place_of(run)
    if place == '-' or place == '+' then return 0 end
    flow.write()
    local removed = redis.call('ZREM', lanes, lane .. ' ' .. place .. ' ' .. run.id)
    if removed == 0 or not flow.is_empty(lane) then return removed end
    if #lane == 1 then
      redis.call('ZREM', ready, lane)
    elseif flow.standing(lane) then
      flow.clear(lane)
      for _, slot in ipairs(run.flow.slots) do flow.wake_parked(slot) end
    end
    return removed
  end

  -- Puts a run of a paused job aside, one without a flow too; it is in the list `waiting` no more, if that was its lane.
  function flow.put_aside(id, job)
    local before = flow.of(id) or { id = id, flow = flow_of(PLAIN .. ' {}'), said = PLAIN .. ' {}', place = '-', own = ',,' }
    local lane = before.flow.lane .. '=' .. job
    local json = string.match(before.said, ' (.*)$')
    -- Those without a key would have had every second turn.
    if #before.flow.lane == 1 then json = '{"weight":100' .. (string.find(json, '^{}') and '' or ',') .. string.sub(json, 2) end
    flow.wait_no_more(before)
    if not flow.standing(lane) then flow.stand(lane, flow.text_of(flow.next_turn()), 'parked', '=' .. job) end
    flow.wait({ id = id, lane = lane, said = lane .. ' ' .. json, own = own_of(before) })
  end

  -- Parks a ready lane whose job is one of these. → whether it is
  function flow.parks(lane, paused, taken)
    local job = string.match(lane, '=(.*)$')
    if not job or not paused[job] then return false end
    local _, its_turn = flow.standing(lane)
    flow.stand(lane, its_turn or string.format('%012x', 0), 'parked', '=' .. job)
    turn.served[tonumber(string.sub(lane, 1, 1))] = nil
    -- It does not use the slots that it was woken for.
    for _, slot in ipairs(taken) do flow.wake_parked(slot) end
    return true
  end

  -- What an enqueue says of a run. What it may have in common with all others of its job: 'wait lasts weight', each '-' where there is
  -- none: for how many ms it may wait from when it is due, for how many its unique key is kept, and as how many runs it counts; and behind
  -- each blank a rule, 'rate/limit=kind:limit:ms' or 'concurrency/limit=slots'. Then its flow, as above, and its unique key. Takes the
  -- rules down. Nothing when it cannot be read: the run is plain.
  local known_words, latest_words = {}, nil
  local function words_of(text)
    local words = known_words[text]
    if not words then
      local wait, lasts, weight, limits = string.match(text, '^(%S+) (%S+) (%S+)(.*)$')
      words = { wait = tonumber(wait), lasts = tonumber(lasts), weight = tonumber(weight) and weight or '', limits = limits or '' }
      known_words[text] = words
    end
    -- The rules of the latest run hold.
    if words ~= latest_words then
      for name, rule in string.gmatch(words.limits, ' ([^ =]+)=(%S+)') do set_rule(name, rule) end
      latest_words = words
    end
    return words
  end

  function flow.declare(id, words, said, key, due)
    local blank = string.find(said, ' ', 1, true)
    local lane = blank and string.sub(said, 1, blank - 1)
    if not lane or not string.find(lane, '^%d') then return nil end
    words = words_of(words)
    local expires = words.wait and string.format('%d', math.min(due + words.wait, MOST)) or ''
    return {
      id = id, lane = lane, said = said, key = key ~= '' and key or nil, lasts = words.lasts,
      own = expires .. ',' .. words.weight .. ',' .. key,
    }
  end

  -- Looks up who has these unique keys.
  local holders = {}
  function flow.look_up(keys)
    if #keys == 0 then return end
    for i, text in ipairs(redis.call('HMGET', unique, unpack(keys))) do holders[keys[i]] = text end
  end

  -- Has a run keep others away: for so many ms, or until it lets go.
  local function hold(key, id, lasts)
    local ends = lasts and string.format('%d', math.min(now + lasts, MOST)) or '0'
    if lasts then
      redis.call('ZADD', fading, ends, 'u/' .. key)
    elseif holders[key] then
      redis.call('ZREM', fading, 'u/' .. key)
    end
    holders[key] = ends .. ' ' .. id
    hold_key(key, holders[key])
  end

  -- What a unique run that is there has to say of a new one of its key: nothing when there is none, and from now on it is the new
  -- one. Else 'd' and the id of that run, or 'r' and its id when it has the new envelope now; and with that, when it was
  -- scheduled, its new flow: it is to be put where the new one would have gone.
  function flow.kept_away(run, envelope, runs, scheduled)
    local key = run.key
    if not key then return nil end
    if holders[key] == nil then flow.look_up({ key }) end
    local till, holder, stands
    -- Most keys are free.
    if holders[key] then
      till, holder = string.match(holders[key], '^(%d+) (.*)$')
      stands = till == '0' and holder ~= run.id and redis.call('HEXISTS', runs, holder) == 1 or till and till ~= '0' and now < tonumber(till)
    end
    if not stands then
      hold(key, run.id, run.lasts)
      return nil
    end
    local mine = flow_of(run.said)
    local there = mine and mine.replaces and flow.of(holder)
    -- Another run may have got the id of one that is finished and keeps others away for a time.
    if not there or there.key ~= key then return 'd' .. holder end
    local is_scheduled = redis.call('ZSCORE', scheduled, holder)
    if not is_scheduled then
      local place = flow.place_of(there)
      if place == '-' then return 'd' .. holder end
      if place ~= '+' then
        flow.write()
        if not redis.call('ZSCORE', lanes, there.flow.lane .. ' ' .. place .. ' ' .. holder) then return 'd' .. holder end
      end
    end
    redis.call('HSET', runs, holder, envelope)
    if not is_scheduled then return 'r' .. holder end
    -- By the new flow it lets go: so by that it is to hold.
    hold(key, holder, run.lasts)
    run.id = holder
    return 'r' .. holder, run
  end

  -- Forgets what says the same as nothing by now, a hundred at a time.
  function flow.fade()
    for _, member in ipairs(redis.call('ZRANGEBYSCORE', fading, '-inf', now, 'LIMIT', 0, 100)) do
      local key = string.sub(member, 3)
      if string.sub(member, 1, 1) == 'r' then
        redis.call('HDEL', rates, key)
      else
        local till = string.match(redis.call('HGET', unique, key) or '', '^(%d+) ')
        if till and till ~= '0' and tonumber(till) <= now then redis.call('HDEL', unique, key) end
      end
      redis.call('ZREM', fading, member)
    end
  end

  return flow
end


-- In front of exchange.lua, which says what the keys are: what becomes of runs that were claimed.
--
-- ARGV[4] how many are forgotten, ARGV[5] how long the claims of these are, then each as claim/id; then for each other one its id, its
--      claim, and its fate: 'f' forget, 'h' hand back, 'b' banish and a history, 'r' reschedule and a history and a delay in ms
-- → for each run, in this order, 1 when it was settled, 0 when its claim does not stand; or how many, when all were settled
--
-- A run that was cancelled under the claim that is settled is forgotten, whatever its fate.
local function settle(flow, now, rings)
  local members, ids, fates = {}, {}, {}
  local simple, behind_claim = tonumber(ARGV[4]), tonumber(ARGV[5]) + 2
  local sub = string.sub
  for i = 1, simple do
    local member = ARGV[i + 5]
    members[i], ids[i] = member, sub(member, behind_claim)
  end
  local count, at = simple, simple + 6
  while at <= #ARGV do
    local fate = ARGV[at + 2]
    count = count + 1
    members[count], ids[count], fates[count] = ARGV[at + 1] .. '/' .. ARGV[at], ARGV[at], at
    at = at + (fate == 'r' and 5 or fate == 'b' and 4 or 3)
  end
  if count == 0 then return 0 end

  local attempted, marked = redis.call('HLEN', KEYS[4]) > 0, redis.call('HLEN', KEYS[15]) > 0
  local standing = redis.call('ZMSCORE', KEYS[2], unpack(members))

  local answers, settled, forgotten, handed_back, seen = {}, members, ids, {}, {}
  local all_stand = true
  for i = 1, count do all_stand = all_stand and standing[i] end
  -- The usual case is the short one: all are forgotten, and nothing else is to be looked at.
  if not all_stand or count > simple or marked or flow then
    local cancelled, unmarked, elsewhere = {}, {}, {}
    settled, forgotten = {}, {}
    for i = 1, count do
      local member, id, place = members[i], ids[i], fates[i]
      local fate = place and ARGV[place + 2] or 'f'
      local stands = standing[i] and not seen[member]
      seen[member] = true
      answers[i] = stands and 1 or 0
      if stands then
        settled[#settled + 1] = member
        if marked then
          local mark = redis.call('HGET', KEYS[15], id)
          if mark then unmarked[#unmarked + 1] = id end
          if mark and mark .. '/' .. id == member then fate, cancelled[i] = 'f', true end
        end
        -- The destination comes first: were Redis out of memory, it fails here, and the claim still stands.
        if fate == 'f' then
          forgotten[#forgotten + 1] = id
        elseif fate == 'h' then
          handed_back[#handed_back + 1] = i
        else
          redis.call('HSET', KEYS[4], id, ARGV[place + 3])
          attempted = true
          if fate == 'b' then
            redis.call('ZADD', KEYS[9], now, id)
          else
            local due = now + tonumber(ARGV[place + 4])
            redis.call('ZADD', KEYS[12], due, id)
            rings.due_at(due)
          end
        end
      end
    end
    -- From the last to the first, so that the first comes to stand in front.
    if flow then
      local known = flow.of_all(ids)
      for i = count, 1, -1 do
        local run = answers[i] == 1 and known[i]
        if run then
          local fate = fates[i] and ARGV[fates[i] + 2] or 'f'
          flow.left_pending(run)
          if cancelled[i] or fate == 'f' or fate == 'b' then
            flow.left_store(run, cancelled[i] or fate ~= 'f')
          end
          if fate == 'h' and not cancelled[i] and not flow.wait(run, true) then elsewhere[i] = true end
        end
      end
    end
    for i = #handed_back, 1, -1 do
      local place = handed_back[i]
      if not elsewhere[place] then redis.call('RPUSH', KEYS[1], ids[place]) end
    end
    if #settled > 0 then redis.call('ZREM', KEYS[2], unpack(settled)) end
    -- The mark goes last: were Redis out of memory before, it would still stand.
    if #unmarked > 0 then redis.call('HDEL', KEYS[15], unpack(unmarked)) end
  elseif redis.call('ZREM', KEYS[2], unpack(members)) < count then
    -- Some were told twice: the second time a claim does not stand any more.
    for i, member in ipairs(members) do
      answers[i] = seen[member] and 0 or 1
      seen[member] = true
    end
  end
  if #forgotten > 0 then
    redis.call('HDEL', KEYS[3], unpack(forgotten))
    if attempted then redis.call('HDEL', KEYS[4], unpack(forgotten)) end
    if flow then flow.forget(unpack(forgotten)) end
  end
  if flow then flow.save() end
  if #handed_back > 0 or flow and flow.ready then rings.work() end
  for i = 1, count do if answers[i] == 0 then return answers end end
  return count
end


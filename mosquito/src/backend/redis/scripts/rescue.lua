-- KEYS[1] owners, KEYS[2] pending, KEYS[3] runs, KEYS[4] history, KEYS[5] waiting, KEYS[6] dead, KEYS[7] wake,
-- KEYS[8] tickets, KEYS[9] cancelled
-- ARGV[1] dead after ms, ARGV[2] crashes that poison, ARGV[3] how many at most, ARGV[4] what a rescued run's history says,
-- ARGV[5] the time in ms after which it is too late for this call, or ''
-- → {1 when there may be more, ids taken back, ids poisoned, the time in ms when it was too late, or 0, ids that were cancelled}
--
-- The score of an owner is the time of its last beat, or -1 once it is condemned: then it can neither beat nor
-- claim until all it had is taken back.
local rung = redis.call('LLEN', KEYS[7]) > 0
redis.call('LLEN', KEYS[5])
redis.call('ZCARD', KEYS[2])
redis.call('ZCARD', KEYS[6])
redis.call('HLEN', KEYS[3])
redis.call('HLEN', KEYS[4])
redis.call('HLEN', KEYS[8])
local marked = redis.call('HLEN', KEYS[9]) > 0
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if ARGV[5] ~= '' and now > tonumber(ARGV[5]) then return { 0, {}, {}, now, {} } end
local room = tonumber(ARGV[3])
-- A beat in the future was made before the server's clock was set back: from now on it is as old as this call.
for _, overseer in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. now, '+inf', 'LIMIT', 0, 100)) do
  redis.call('ZADD', KEYS[1], now, overseer)
end
local overseers = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now - tonumber(ARGV[1]), 'LIMIT', 0, 100)
local more, rescued, poisoned, cancelled = #overseers == 100 and 1 or 0, {}, {}, {}

for _, overseer in ipairs(overseers) do
  redis.call('ZADD', KEYS[1], -1, overseer)
  -- From the last to the first, so that the first comes to stand in front, also when it takes several calls.
  local members = redis.call('ZREVRANGEBYLEX', KEYS[2], '(' .. overseer .. '0', '[' .. overseer .. '/', 'LIMIT', 0, room + 1)
  for i = 1, math.min(#members, room) do
    local claim, claimed_at, id = string.match(members[i], '^([^/]*/[^/]*/[^/]*/([^/]*))/(.*)$')
    local mark = marked and redis.call('HGET', KEYS[9], id)
    if mark == claim then
      redis.call('HDEL', KEYS[3], id)
      redis.call('HDEL', KEYS[4], id)
      cancelled[#cancelled + 1] = id
    elseif redis.call('HEXISTS', KEYS[3], id) == 1 then
      -- A history that cannot be read was written by hand: the run counts as never attempted.
      local read, history = pcall(cjson.decode, redis.call('HGET', KEYS[4], id) or '')
      if not read or type(history) ~= 'table' or type(history.attempts) ~= 'number' then
        history = { attempts = 0 }
      end
      history.attempts = history.attempts + 1
      history.crashes = (tonumber(history.crashes) or 0) + 1
      -- The first attempt and the last ones are remembered. No list here is empty: one would come out as an object.
      local log = type(history.log) == 'table' and history.log[1] and history.log or {}
      if #log >= 10 then table.remove(log, 2) end
      log[#log + 1] = { n = history.attempts, at = tonumber(claimed_at) or now, by = overseer, how = 'died' }
      history.log = log
      if history.crashes >= tonumber(ARGV[2]) then
        history.error = string.format('poisoned: %d processes died while they performed it', history.crashes)
        redis.call('HSET', KEYS[4], id, cjson.encode(history))
        redis.call('ZADD', KEYS[6], now, id)
        poisoned[#poisoned + 1] = id
      else
        history.error = ARGV[4]
        redis.call('HSET', KEYS[4], id, cjson.encode(history))
        redis.call('RPUSH', KEYS[5], id)
        rescued[#rescued + 1] = id
      end
    end
    redis.call('ZREM', KEYS[2], members[i])
    if mark then redis.call('HDEL', KEYS[9], id) end
  end
  if #members > room then
    more = 1
    break
  end
  redis.call('ZREM', KEYS[1], overseer)
  redis.call('HDEL', KEYS[8], overseer)
  room = room - #members
end

if #rescued > 0 and not rung then redis.call('LPUSH', KEYS[7], 1) end
return { more, rescued, poisoned, 0, cancelled }

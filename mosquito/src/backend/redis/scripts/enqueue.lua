-- KEYS[1] waiting, KEYS[2] scheduled, KEYS[3] runs, KEYS[4] wake, KEYS[5] due
-- ARGV: for each run its id, its envelope without a time, and '' for now, '+ms' from now or '@ms' since 1970
-- → for each run 1 when it is new, 0 when the queue holds its id already
--
-- Looking at every list first: a key of a wrong type fails here, before anything is written.
local rung = redis.call('LLEN', KEYS[4]) > 0
local due_rung = redis.call('LLEN', KEYS[5]) > 0
local waiting = redis.call('LLEN', KEYS[1])
local first = redis.call('ZRANGE', KEYS[2], 0, 0, 'WITHSCORES')[2]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local stamp = string.format('{"enqueued_at":%d,', now)

local answers, ready, earliest = {}, {}, nil
for i = 1, #ARGV, 3 do
  local id, when = ARGV[i], ARGV[i + 2]
  local new = redis.call('HSETNX', KEYS[3], id, stamp .. string.sub(ARGV[i + 1], 2))
  answers[#answers + 1] = new
  if new == 1 then
    local due = now
    if when ~= '' then
      due = tonumber(string.sub(when, 2))
      if string.sub(when, 1, 1) == '+' then due = now + due end
    end
    if due > now then
      redis.call('ZADD', KEYS[2], due, id)
      if not earliest or due < earliest then earliest = due end
    else
      ready[#ready + 1] = id
    end
  end
end

if #ready > 0 then
  redis.call('LPUSH', KEYS[1], unpack(ready))
  if not rung then redis.call('LPUSH', KEYS[4], 1) end
end
if earliest and not due_rung and (not first or earliest < tonumber(first)) then
  redis.call('LPUSH', KEYS[5], 1)
end
return answers

-- KEYS[1] schedules, KEYS[2] runs, KEYS[3] dead, KEYS[4] waiting, KEYS[5] wake, KEYS[6] scheduled, KEYS[7] due,
-- KEYS[8] paused, KEYS[9] held, KEYS[10] jobs; when the run has a flow, from KEYS[11] on as in flow.lua
-- ARGV[1] job, ARGV[2] tick in ms, ARGV[3] 'skip' | 'allow', ARGV[4] id or '', ARGV[5] envelope without a time,
-- ARGV[6] '' for now, '+ms' from now or '@ms' since 1970, and when it has a flow what flow.lua declares
-- → 'enqueued' | 'passed' | 'stale' | 'early'
--
-- A schedule is 'last tick in ms, space, id of the last run'.
local rung, due_rung = redis.call('LLEN', KEYS[5]) > 0, redis.call('LLEN', KEYS[7]) > 0
redis.call('LLEN', KEYS[4])
redis.call('HLEN', KEYS[2])
local first = redis.call('ZRANGE', KEYS[6], 0, 0, 'WITHSCORES')[2]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local tick, id = tonumber(ARGV[2]), ARGV[4]
if tick > now then return 'early' end

local last, last_id = string.match(redis.call('HGET', KEYS[1], ARGV[1]) or '', '^(-?%d+) (.*)$')
if last and tick <= tonumber(last) then return 'stale' end

last_id = last_id or ''
local unfinished = last_id ~= '' and redis.call('HEXISTS', KEYS[2], last_id) == 1
    and not redis.call('ZSCORE', KEYS[3], last_id)
local alone = ARGV[3] == 'skip'
local of_job = redis.call('HGET', KEYS[10], ARGV[1]) or '1'
for _, pause in ipairs({ redis.call('GET', KEYS[8]) or '1', redis.call('GET', KEYS[9]) or '1', of_job }) do
  -- Of what is not handed out, no more than one is to wait.
  local till = tonumber(string.match(pause, '^%d+') or 0)
  alone = alone or till == 0 or now < till
end
if id == '' or (unfinished and alone) then
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. ' ' .. last_id)
  return 'passed'
end

local flow, run, answer, moves = KEYS[11] and flow_control(11, now), nil, nil, nil
local envelope = string.format('{"enqueued_at":%d,', now) .. string.sub(ARGV[5], 2)
local when = ARGV[6]
local due = when == '' and now or tonumber(string.sub(when, 2))
if string.sub(when, 1, 1) == '+' then due = now + due end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. ' ' .. id)
if flow and redis.call('HEXISTS', KEYS[2], id) == 0 then
  run = flow.declare(id, ARGV[7], ARGV[8], ARGV[9], math.max(due, now))
  if run then answer, moves = flow.kept_away(run, envelope, KEYS[2], KEYS[6]) end
  if moves then id = run.id end
end
answer = answer or redis.call('HSETNX', KEYS[2], id, envelope)
if answer == 1 or moves then
  if due > now then
    redis.call('ZADD', KEYS[6], due, id)
    if run then flow.is_elsewhere(run) end
    if not due_rung and (not first or due < tonumber(first)) then redis.call('LPUSH', KEYS[7], 1) end
  else
    if moves then redis.call('ZREM', KEYS[6], id) end
    local in_list = not run or flow.wait(run)
    if run then flow.write() end
    if in_list then redis.call('LPUSH', KEYS[4], id) end
    if (in_list or flow.ready) and not rung then redis.call('LPUSH', KEYS[5], 1) end
  end
end
if flow then flow.save() end
return answer == 1 and 'enqueued' or 'passed'

-- KEYS[1] schedules, KEYS[2] runs, KEYS[3] dead, KEYS[4] waiting, KEYS[5] wake
-- ARGV[1] job, ARGV[2] tick in ms, ARGV[3] 'skip' | 'allow', ARGV[4] id or '', ARGV[5] envelope without a time
-- → 'enqueued' | 'passed' | 'stale' | 'early'
--
-- A schedule is 'last tick in ms, space, id of the last run'.
local rung = redis.call('LLEN', KEYS[5]) > 0
redis.call('LLEN', KEYS[4])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local tick, id = tonumber(ARGV[2]), ARGV[4]
if tick > now then return 'early' end

local last, last_id = string.match(redis.call('HGET', KEYS[1], ARGV[1]) or '', '^(-?%d+) (.*)$')
if last and tick <= tonumber(last) then return 'stale' end

last_id = last_id or ''
local unfinished = last_id ~= '' and redis.call('HEXISTS', KEYS[2], last_id) == 1
    and not redis.call('ZSCORE', KEYS[3], last_id)
if id == '' or (unfinished and ARGV[3] == 'skip') then
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. ' ' .. last_id)
  return 'passed'
end

local envelope = string.format('{"enqueued_at":%d,', now) .. string.sub(ARGV[5], 2)
local new = redis.call('HSETNX', KEYS[2], id, envelope) == 1
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. ' ' .. id)
if not new then return 'passed' end
redis.call('LPUSH', KEYS[4], id)
if not rung then redis.call('LPUSH', KEYS[5], 1) end
return 'enqueued'

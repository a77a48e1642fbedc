-- KEYS[1] runs, KEYS[2] history, KEYS[3] waiting, KEYS[4] scheduled, KEYS[5] dead, KEYS[6] pending, KEYS[7] wake,
-- KEYS[8] cancelled, from KEYS[9] on as in flow.lua
-- ARGV[1] id, ARGV[2] the longest waiting list, or piece of one, to search, ARGV[3] its claim or '',
-- ARGV[4] its offset in waiting or -1, ARGV[5] 1 to delete it even if it stands nowhere
-- → 1 deleted, 0 no such run, -1 it stands where it was not looked for
--
-- The lists are not made for finding one run: a caller that gets -1 looks for it, and comes again with what it found.
local id, piece = ARGV[1], tonumber(ARGV[2])
local depth = redis.call('LLEN', KEYS[3])
if redis.call('HEXISTS', KEYS[1], id) == 0 then return 0 end
redis.call('HLEN', KEYS[2])
redis.call('HLEN', KEYS[8])
-- A key of a wrong type fails here, before anything is taken out of another one.
for i = 4, 6 do redis.call('ZCARD', KEYS[i]) end
local rung = redis.call('LLEN', KEYS[7]) > 0
local flow = redis.call('HEXISTS', KEYS[18], id) == 1 and flow_control(9, 0)
local run = flow and flow.of(id)

local found = redis.call('ZREM', KEYS[4], id) + redis.call('ZREM', KEYS[5], id)
if found == 0 and ARGV[3] ~= '' then found = redis.call('ZREM', KEYS[6], ARGV[3]) end
if found == 0 and run then found = flow.wait_no_more(run) end
if found == 0 and depth <= piece then found = redis.call('LREM', KEYS[3], 1, id) end
local offset = tonumber(ARGV[4])
if found == 0 and offset >= 0 then
  -- Claims may have moved it towards the front since it was found. A blank is skipped when it is claimed.
  local from = math.max(0, offset - piece)
  local items = redis.call('LRANGE', KEYS[3], -offset - 1, -from - 1)
  for i = 1, #items do
    if items[i] == id then
      redis.call('LSET', KEYS[3], i - 1 - #items - from, '')
      found = 1
      break
    end
  end
end
if found == 0 and ARGV[5] ~= '1' then return -1 end

redis.call('HDEL', KEYS[1], id)
redis.call('HDEL', KEYS[2], id)
redis.call('HDEL', KEYS[8], id)
if run then
  flow.left_pending(run)
  flow.left_store(run, true)
end
if flow then
  flow.forget(id)
  flow.save()
  if flow.ready and not rung then redis.call('LPUSH', KEYS[7], 1) end
end
return 1

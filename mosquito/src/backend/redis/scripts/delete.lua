-- KEYS[1] runs, KEYS[2] history, KEYS[3] waiting, KEYS[4] scheduled, KEYS[5] dead
-- ARGV[1] id, ARGV[2] the longest waiting list to search
-- → {1 when the run existed, 1 when it was taken out of its list too}
--
-- A run without an envelope does not exist, wherever its id still stands.
local id = ARGV[1]
local depth = redis.call('LLEN', KEYS[3])
local placed = redis.call('ZREM', KEYS[4], id) + redis.call('ZREM', KEYS[5], id)
if placed == 0 and depth <= tonumber(ARGV[2]) then placed = redis.call('LREM', KEYS[3], 1, id) end
local existed = redis.call('HDEL', KEYS[1], id)
redis.call('HDEL', KEYS[2], id)
return { existed, placed }

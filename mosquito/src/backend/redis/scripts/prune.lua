-- KEYS[1] dead, KEYS[2] runs, KEYS[3] history, KEYS[4] flows
-- ARGV[1] how many to keep, ARGV[2] for how many ms, ARGV[3] how many to remove at most → how many were removed
--
-- A key of a wrong type fails here, before anything is written. What a dead run kept others away by it let go when it died.
for i = 2, 4 do redis.call('HLEN', KEYS[i]) end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local beyond = redis.call('ZCARD', KEYS[1]) - tonumber(ARGV[1])
local old = redis.call('ZCOUNT', KEYS[1], '-inf', now - tonumber(ARGV[2]))
local count = math.min(math.max(beyond, old), tonumber(ARGV[3]))
if count <= 0 then return 0 end
local ids = redis.call('ZRANGE', KEYS[1], 0, count - 1)
for i = 2, 4 do redis.call('HDEL', KEYS[i], unpack(ids)) end
redis.call('ZREM', KEYS[1], unpack(ids))
return #ids

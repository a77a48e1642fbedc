-- KEYS[1] leader; ARGV[1] overseer
if redis.call('HGET', KEYS[1], 'overseer') == ARGV[1] then redis.call('HDEL', KEYS[1], 'overseer') end

-- KEYS[1] queues, KEYS[2] everything; ARGV[1] queue → what it is to be told of everything, or ''
local everything = redis.call('GET', KEYS[2]) or ''
redis.call('SADD', KEYS[1], ARGV[1])
return everything

-- KEYS[1] the ear of an overseer; ARGV[1] for how many ms a word is kept
if redis.call('LLEN', KEYS[1]) == 0 then redis.call('RPUSH', KEYS[1], 1) end
redis.call('PEXPIRE', KEYS[1], ARGV[1])

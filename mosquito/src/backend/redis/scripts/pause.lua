-- KEYS[1] paused; ARGV[1] for how many ms, or 0 until it is resumed
--
-- Read first: what somebody else keeps under this key is not to be overwritten.
redis.call('GET', KEYS[1])
if ARGV[1] == '0' then
  redis.call('SET', KEYS[1], 1)
else
  redis.call('SET', KEYS[1], 1, 'PX', ARGV[1])
end

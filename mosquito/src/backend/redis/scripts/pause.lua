-- KEYS[1] paused; ARGV[1] for how many ms, or '' until it is resumed
--
-- The value is when it ends, in ms since 1970, or 0. Read first: what somebody else keeps under this key is not to
-- be overwritten.
redis.call('GET', KEYS[1])
if ARGV[1] == '' then
  redis.call('SET', KEYS[1], 0)
else
  local time = redis.call('TIME')
  local till = string.format('%d', time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[1])
  redis.call('SET', KEYS[1], till, 'PXAT', till)
end

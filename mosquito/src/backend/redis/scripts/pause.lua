-- KEYS[1] paused, KEYS[2] wake; ARGV[1] for how many ms, or '' until it is resumed, ARGV[2] its words as JSON
--
-- The value is 'until since words', the times in ms since 1970; until is 0 when it does not end by itself. Read first: what
-- somebody else keeps under this key is not to be overwritten.
redis.call('GET', KEYS[1])
local rung = redis.call('LLEN', KEYS[2]) > 0
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if ARGV[1] == '' then
  redis.call('SET', KEYS[1], string.format('0 %d %s', now, ARGV[2]))
  return
end
local till = string.format('%d', now + ARGV[1])
redis.call('SET', KEYS[1], string.format('%s %d %s', till, now, ARGV[2]), 'PXAT', till)
-- Whoever waits there is to learn when to look again.
if not rung then redis.call('LPUSH', KEYS[2], 1) end

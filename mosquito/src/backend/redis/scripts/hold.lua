-- KEYS[1] held, KEYS[2] wake; ARGV[1] what is told of everything: 'until since words'
--
-- What was told later stays.
local known = string.match(redis.call('GET', KEYS[1]) or '', '^%d+ (%d+)')
local rung = redis.call('LLEN', KEYS[2]) > 0
if known and tonumber(known) >= tonumber(string.match(ARGV[1], '^%d+ (%d+)')) then return end
redis.call('SET', KEYS[1], ARGV[1])
-- Whoever waits there goes on, or learns when to look again; of a pause without an end there is nothing to learn.
if not rung and not string.find(ARGV[1], '^0 ') then redis.call('LPUSH', KEYS[2], 1) end

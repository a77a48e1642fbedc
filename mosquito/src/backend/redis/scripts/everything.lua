-- KEYS[1] everything, KEYS[2] queues
-- ARGV[1] for how many ms everything is paused, '' until it is resumed, '-' to resume it; ARGV[2] its words as JSON
-- → what each queue is to be told, then the queues
--
-- As in a queue, 'until since words'. What is over ends in 1970. Since is later at each change, whatever the clock says: so
-- queues know the latest of several that are told at once.
local before = string.match(redis.call('GET', KEYS[1]) or '', '^%d+ (%d+)')
local queues = redis.call('SMEMBERS', KEYS[2])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local since = math.max(now, tonumber(before or 0) + 1)
local till = 0
if ARGV[1] == '-' then till = 1 elseif ARGV[1] ~= '' then till = now + ARGV[1] end
local told = string.format('%d %d %s', till, since, ARGV[2])
redis.call('SET', KEYS[1], told)
table.insert(queues, 1, told)
return queues

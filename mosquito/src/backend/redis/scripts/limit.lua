-- KEYS[1] rules, KEYS[2] rates, KEYS[3] slots; ARGV[1] limit, ARGV[2] key
-- → {time, rule of its rate limit or '', what that remembers of the key or '', how many slots its concurrency limit has or -1, how many are taken}
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local name = ARGV[1] .. '/' .. ARGV[2]
local rules = redis.call('HMGET', KEYS[1], 'rate/' .. ARGV[1], 'concurrency/' .. ARGV[1])
local used = redis.call('ZLEXCOUNT', KEYS[3], '[' .. name .. '/', '(' .. name .. '0')
return { now, rules[1] or '', redis.call('HGET', KEYS[2], name) or '', tonumber(rules[2] or -1), used }

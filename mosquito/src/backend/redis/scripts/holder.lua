-- KEYS[1] unique, KEYS[2] runs; ARGV[1] key → the id of the run that keeps others of that key away; nothing when there is none
local till, holder = string.match(redis.call('HGET', KEYS[1], ARGV[1]) or '', '^(%d+) (.*)$')
if not till then return nil end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local stands = now < tonumber(till)
if till == '0' then stands = redis.call('HEXISTS', KEYS[2], holder) == 1 end
return stands and holder or nil

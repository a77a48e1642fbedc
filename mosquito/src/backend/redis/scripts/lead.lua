-- KEYS[1] leader; ARGV[1] overseer, ARGV[2] lease in ms → its epoch, or 0 while another one leads
local held = redis.call('HMGET', KEYS[1], 'overseer', 'until', 'epoch')
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local epoch = tonumber(held[3] or 0)
if held[1] ~= ARGV[1] then
  if held[1] and now < tonumber(held[2]) then return 0 end
  epoch = epoch + 1
end
redis.call('HSET', KEYS[1], 'overseer', ARGV[1], 'until', string.format('%d', now + ARGV[2]), 'epoch', epoch)
return epoch

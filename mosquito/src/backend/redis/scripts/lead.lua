-- KEYS[1] leader; ARGV[1] overseer, ARGV[2] lease in ms → its epoch, or 0 while another one leads
local held = redis.call('HMGET', KEYS[1], 'overseer', 'until', 'epoch')
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local till, ends, epoch = now + ARGV[2], tonumber(held[2] or 0), tonumber(held[3] or 0)
if held[1] ~= ARGV[1] then
  if held[1] and now < ends then
    -- A clock that was set back would let the leader lead for as long again.
    if ends > till then redis.call('HSET', KEYS[1], 'until', string.format('%d', till)) end
    return 0
  end
  epoch = epoch + 1
end
redis.call('HSET', KEYS[1], 'overseer', ARGV[1], 'until', string.format('%d', till), 'epoch', epoch)
return epoch

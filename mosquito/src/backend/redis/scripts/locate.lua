-- KEYS[1] waiting; ARGV[1] id, ARGV[2] offset from the front, ARGV[3] how many to search
-- → the offset at which it stands, -1 when not there, -2 when the list ends there
local offset, count = tonumber(ARGV[2]), tonumber(ARGV[3])
local items = redis.call('LRANGE', KEYS[1], -offset - count, -offset - 1)
for i = #items, 1, -1 do
  if items[i] == ARGV[1] then return offset + #items - i end
end
return #items < count and -2 or -1

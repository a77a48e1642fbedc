-- KEYS[1] waiting; ARGV[1] id, ARGV[2] offset from the front, ARGV[3] how many to search
-- → 1 when the id was found and blanked, 0 when not, -1 when the list ends here
--
-- Takes a deleted run's id out of a long list, a piece at a time; the blank is skipped when it is claimed.
local offset, count = tonumber(ARGV[2]), tonumber(ARGV[3])
local items = redis.call('LRANGE', KEYS[1], -offset - count, -offset - 1)
for i = #items, 1, -1 do
  if items[i] == ARGV[1] then
    redis.call('LSET', KEYS[1], i - #items - offset - 1, '')
    return 1
  end
end
return #items < count and -1 or 0

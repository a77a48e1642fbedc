-- KEYS[1] notes
-- ARGV[1] key, ARGV[2] how many notes there may be, ARGV[3] 'set' | 'swap' | 'add', ARGV[4] the new text, '' for none, or the
-- summand, ARGV[5] with 'swap' the text that must be there, '' for none
-- → 'done', before, now | 'other', now | 'full'; the text is '' where there is none. A sum that cannot be is Redis's own error
local key, way, text = ARGV[1], ARGV[3], ARGV[4]
local before = redis.call('HGET', KEYS[1], key) or ''
if way == 'swap' and before ~= ARGV[5] then return { 'other', before } end
if way ~= 'add' and text == '' then
  redis.call('HDEL', KEYS[1], key)
  return { 'done', before, '' }
end
if before == '' and redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[2]) then return { 'full' } end
if way == 'add' then
  -- By the server: numbers here have 53 bits.
  redis.call('HINCRBY', KEYS[1], key, text)
else
  redis.call('HSET', KEYS[1], key, text)
end
return { 'done', before, redis.call('HGET', KEYS[1], key) }

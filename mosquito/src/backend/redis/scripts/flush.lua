-- KEYS[1] waiting, KEYS[2] pending, KEYS[3] scheduled, KEYS[4] dead, KEYS[5] runs, KEYS[6] history, KEYS[7] cancelled
--
-- Read first: what somebody else keeps under one of these keys is not to be removed. UNLINK frees the memory later.
redis.call('LLEN', KEYS[1])
for i = 2, 4 do redis.call('ZCARD', KEYS[i]) end
for i = 5, 7 do redis.call('HLEN', KEYS[i]) end
redis.call('UNLINK', unpack(KEYS))

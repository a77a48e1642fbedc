-- KEYS[1] waiting; KEYS[2] pending, KEYS[3] scheduled, KEYS[4] dead, KEYS[5] lanes, KEYS[6] ready, KEYS[7] blocked, KEYS[8] parked,
-- KEYS[9] slots; KEYS[10] runs, KEYS[11] history, KEYS[12] standing, KEYS[13] unique, KEYS[14] flows, KEYS[15] cancelled
--
-- Read first: what somebody else keeps under one of these keys is not to be removed. UNLINK frees the memory later. What was
-- started, and by which rule, is no run: it still counts.
redis.call('LLEN', KEYS[1])
for i = 2, 9 do redis.call('ZCARD', KEYS[i]) end
for i = 10, 15 do redis.call('HLEN', KEYS[i]) end
redis.call('UNLINK', unpack(KEYS))

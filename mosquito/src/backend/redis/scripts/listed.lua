-- KEYS[1] everything, KEYS[2] queues → what each queue is to be told of everything, or '', then the queues
local queues = redis.call('SMEMBERS', KEYS[2])
table.insert(queues, 1, redis.call('GET', KEYS[1]) or '')
return queues

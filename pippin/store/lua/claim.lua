-- Gives the job to an attempt. Arguments: number, token, worker, engine, lease seconds.
local number, token, worker, engine, seconds = arg(1), arg(2), arg(3), arg(4), arg(5)
local status = redis.call('HGET', job, 'status')
if not status then
  return { 'missing' }
end
if is_holder(number, token) then
  return { 'ok' } -- the same claim, sent again
end
local next = redis.call('HGET', job, 'attempt')
if next ~= number or not may_enter('starting', status) then
  return { 'refused', status, next }
end
redis.call('HSET', job, 'token', token, 'engine', engine)
redis.call('HSETNX', job, 'started_at', at)
redis.call('HSET', attempts, number .. ':token', token, number .. ':worker', worker, number .. ':engine', engine,
  number .. ':status', 'starting', number .. ':started_at', at)
charge(#token + #worker + #engine + 384)
redis.call('ZADD', leases, after(at, seconds), member)
enter('starting', status, '')
return { 'ok' }

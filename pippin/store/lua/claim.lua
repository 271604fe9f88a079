-- Assigns the job to an attempt. Arguments: number, token, worker, engine, lease seconds, the newest major version of
-- records that the worker can read.
local number, token, worker, engine, seconds, major = arg(1), arg(2), arg(3), arg(4), arg(5), arg(6)
local status = redis.call('HGET', job, 'status')
if not status then
  return { 'missing' }
end
local version = redis.call('HGET', job, 'record_version') or '1.0'
if tonumber(string.match(version, '^%d+') or '1') > tonumber(major) then
  return { 'newer', version }
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
  number .. ':status', 'starting', number .. ':started_at', at, number .. ':seen', at)
charge(#token + #worker + #engine + 384)
lease(seconds)
enter('starting', status, '')
return { 'ok' }

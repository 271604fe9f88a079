-- Records that the attempt's first step is about to run. Arguments: number, token, where it resumed as JSON or ''.
local number, token, resumed = arg(1), arg(2), arg(3)
local status = redis.call('HGET', job, 'status')
if not is_holder(number, token) then
  return { 'lost', status }
end
if redis.call('HGET', attempts, number .. ':status') == 'running' then
  return { 'ok', status }
end
redis.call('HSET', attempts, number .. ':status', 'running', number .. ':resumed', resumed)
charge(#resumed + 64)
-- A job that is being cancelled or paused keeps its state: the attempt reads it when it renews its lease.
if may_enter('running', status) then
  enter('running', status, '')
end
return { 'ok', redis.call('HGET', job, 'status') }

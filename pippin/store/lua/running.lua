-- The attempt's first step is about to run. Arguments: number, token, from where it went on as JSON or ''.
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
-- A job that is to be cancelled or paused stays so: the attempt reads that when it renews its lease.
if may_enter('running', status) then
  enter('running', status, '')
end
return { 'ok', redis.call('HGET', job, 'status') }

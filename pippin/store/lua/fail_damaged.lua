-- Ends a job whose record is damaged, from any state, so that it does not stay for ever. Arguments: reason as JSON.
local reason = arg(1)
local status = redis.call('HGET', job, 'status')
if not status or (TABLE[status] and TABLE[status].final) then
  redis.call('ZREM', leases, member)
  redis.call('ZREM', queued, member)
  return { 'missing' }
end
redis.call('HSET', job, 'reason', reason)
enter('failed', status, reason)
return { 'ok', 'failed' }

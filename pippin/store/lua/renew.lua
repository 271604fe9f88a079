-- Renews the lease, however late, unless another attempt has claimed the job. Arguments: number, token, lease seconds.
local number, token, seconds = arg(1), arg(2), arg(3)
local status = redis.call('HGET', job, 'status')
if not is_holder(number, token) then
  return { 'lost', status }
end
local spent = redis.call('HGET', job, 'spent') + elapsed(number)
lease(seconds)
-- The reaper decides under WATCH of this record: a renewal must change the record.
redis.call('HSET', job, 'renewed_at', at)
local timeout = redis.call('HGET', job, 'timeout')
return { 'ok', status, (timeout ~= '' and spent > tonumber(timeout)) and 'over' or 'within' }

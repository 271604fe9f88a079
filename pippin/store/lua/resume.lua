-- Queues a paused job again; its attempt is queued in the same MULTI. Arguments: the queue.
local status = redis.call('HGET', job, 'status')
if not status then
  return { 'missing' }
end
if status ~= 'paused' then
  return { 'refused', status }
end
redis.call('HSET', job, 'queue', arg(1))
enter('queued', status, '')
return { 'ok' }

-- Deletes a job in a final state with everything that belongs to it.
-- Keys 12 to 11 + arg(1) are sorted sets that list the job; all later keys belong to the job.
local status = redis.call('HGET', job, 'status')
if not status then
  return { 'missing' }
end
if not (TABLE[status] and TABLE[status].final) then
  return { 'refused', status }
end
local listings = 11 + tonumber(arg(1))
local bytes = held()
for _, named in ipairs({ artifacts, checkpoints }) do
  for _, text in ipairs(redis.call('HVALS', named)) do
    release(text)
  end
end
for n = 12, listings do
  redis.call('ZREM', KEYS[n], id)
end
redis.call('ZREM', status_index .. status, id)
for n = listings + 1, #KEYS do
  redis.call('DEL', KEYS[n])
end
redis.call('HINCRBY', counters, 'held:jobs', -bytes)
return { 'ok' }

-- Pauses a job at once when no worker holds it, else asks its worker to stop. A paused job stays paused.
local status = redis.call('HGET', job, 'status')
if not status then
  return { 'missing' }
end
if status == 'pausing' or status == 'paused' then
  return { 'ok', status }
end
-- From `starting` and `running` only the second is allowed, from `queued` only the first.
for _, target in ipairs({ 'paused', 'pausing' }) do
  if may_enter(target, status) then
    enter(target, status, '')
    return { 'ok', target }
  end
end
return { 'refused', status }

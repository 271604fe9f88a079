-- Pauses a job at once when no worker holds it, else sets the state that makes its worker stop. A paused job stays so.
local status = redis.call('HGET', job, 'status')
if not status then
  return { 'missing' }
end
if status == 'pausing' or status == 'paused' then
  return { 'ok', status }
end
-- From `queued` only `paused` is allowed; from `starting` and `running` only `pausing`.
for _, target in ipairs({ 'paused', 'pausing' }) do
  if may_enter(target, status) then
    enter(target, status, '')
    return { 'ok', target }
  end
end
return { 'refused', status }

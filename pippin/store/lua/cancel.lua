-- Cancels a job at once when no worker holds it, else sets the state that makes its worker stop.
local status = redis.call('HGET', job, 'status')
if not status then
  return { 'missing' }
end
if status == 'cancelling' then
  return { 'ok', status }
end
for _, target in ipairs({ 'cancelled', 'cancelling' }) do
  if may_enter(target, status) then
    enter(target, status, '')
    return { 'ok', target }
  end
end
return { 'refused', status }

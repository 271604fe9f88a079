-- Records a stored checkpoint within an epoch.
-- Arguments: number, token, epochs finished, mini-batches taken after them, checkpoint as JSON.
local number, token, epoch, step, checkpoint = arg(1), arg(2), arg(3), arg(4), arg(5)
if not is_holder(number, token) then
  return { 'lost', redis.call('HGET', job, 'status') }
end
advance(epoch, step, checkpoint)
return { 'ok' }

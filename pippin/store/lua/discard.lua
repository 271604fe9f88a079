-- Removes a checkpoint that cannot be read. Arguments: number, token, the checkpoint as the JSON text in the record,
-- and the checkpoint to resume from instead: epoch, step, checkpoint as JSON; '' when there is none.
local number, token, bad, epoch, step, instead = arg(1), arg(2), arg(3), arg(4), arg(5), arg(6)
if not is_holder(number, token) then
  return { 'lost', redis.call('HGET', job, 'status') }
end
for _, kept in ipairs(redis.call('HKEYS', checkpoints)) do
  if redis.call('HGET', checkpoints, kept) == bad then
    redis.call('HDEL', checkpoints, kept)
    charge(-(#bad + 64))
  end
end
if redis.call('HGET', job, 'resume') == bad then
  redis.call('HDEL', job, 'resume', 'resume_epoch', 'resume_step')
  if instead ~= '' then
    redis.call('HSET', job, 'resume', instead, 'resume_epoch', epoch, 'resume_step', step)
  end
end
return { 'ok' }

-- Forgets a checkpoint that cannot be read. Arguments: number, token, its digest in JSON as it stands in the record,
-- and the one to go on from instead: epoch, step, checkpoint as JSON; '' when there is none.
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

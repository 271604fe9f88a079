-- Records a finished epoch, once, and the checkpoint of its end, which has been stored.
-- Arguments: number, token, epoch, metrics as JSON, mini-batch losses as JSON or '', checkpoint as JSON or '', the
-- fields of the last key that count the epoch and that its seconds are added to, its seconds.
local number, token, epoch, metrics, batches, checkpoint = arg(1), arg(2), arg(3), arg(4), arg(5), arg(6)
local counters = KEYS[#KEYS]
if not is_holder(number, token) then
  return { 'lost', redis.call('HGET', job, 'status') }
end
-- Before the epoch's event: who has read that the epoch is over finds its checkpoint.
if checkpoint ~= '' and redis.call('HEXISTS', checkpoints, epoch) == 0 then
  keep(epoch, checkpoint)
  advance(epoch, '0', checkpoint)
end
local known = redis.call('HGET', epochs, epoch)
if known then
  return { 'ok', known } -- sent again, or computed again by a later attempt
end
if batches ~= '' then
  publish('batches', batches)
end
local entry = publish('epoch', metrics)
redis.call('HSET', epochs, epoch, entry)
redis.call('HINCRBY', counters, arg(7), 1)
redis.call('HINCRBYFLOAT', counters, arg(8), arg(9))
if tonumber(epoch) > tonumber(redis.call('HGET', job, 'progress')) then
  redis.call('HSET', job, 'progress', epoch, 'latest_metrics', metrics)
end
return { 'ok', entry }

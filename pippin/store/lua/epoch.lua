-- Records a finished epoch, once, and the stored checkpoint of its end.
-- Arguments: number, token, epoch, metrics as JSON, mini-batch losses as JSON or '', checkpoint as JSON or '', the
-- counters of the epoch and of its seconds, its seconds, how many bytes a job may hold before mini-batch losses are
-- dropped, the log line as JSON that says so.
local number, token, epoch, metrics, batches, checkpoint = arg(1), arg(2), arg(3), arg(4), arg(5), arg(6)
if not is_holder(number, token) then
  return { 'lost', redis.call('HGET', job, 'status') }
end
-- The checkpoint comes before the epoch's event: a reader of the event must find the checkpoint.
if checkpoint ~= '' and redis.call('HEXISTS', checkpoints, epoch) == 0 then
  keep(epoch, checkpoint)
  advance(epoch, '0', checkpoint)
end
local known = redis.call('HGET', epochs, epoch)
if known then
  return { 'ok', known } -- sent again, or computed again by a later attempt
end
if batches ~= '' then
  if held() + #batches <= tonumber(arg(10)) then
    publish('batches', batches)
  elseif redis.call('HSETNX', job, 'batches_dropped', epoch) == 1 then
    publish('log', arg(11))
  end
end
local entry = publish('epoch', metrics)
redis.call('HSET', epochs, epoch, entry)
charge(96)
redis.call('HINCRBY', counters, arg(7), 1)
redis.call('HINCRBYFLOAT', counters, arg(8), arg(9))
if tonumber(epoch) > tonumber(redis.call('HGET', job, 'progress')) then
  redis.call('HSET', job, 'progress', epoch, 'latest_metrics', metrics)
end
return { 'ok', entry }

-- Records a line of an attempt's log. Arguments: number, token, call, limit, the line as JSON, the last line as JSON.
-- `call` differs from call to call: the same one twice is one call, sent again.
local number, token, call, limit, line, last = arg(1), arg(2), arg(3), tonumber(arg(4)), arg(5), arg(6)
if not is_holder(number, token) then
  return { 'lost', redis.call('HGET', job, 'status') }
end
local count = tonumber(redis.call('HGET', attempts, number .. ':lines') or 0)
if count > limit or redis.call('HGET', attempts, number .. ':line') == call then
  return { 'ok' }
end
redis.call('HSET', attempts, number .. ':lines', count + 1, number .. ':line', call)
publish('log', count < limit and line or last)
return { 'ok' }

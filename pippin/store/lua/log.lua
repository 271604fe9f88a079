-- Records a line of an attempt's log. Arguments: number, token, call, maximum lines of an attempt, maximum bytes of a
-- job, the line as JSON, the last line at the limit of lines as JSON, the last line at the limit of bytes as JSON.
-- `call` identifies the call: the same value twice means that one call was sent again.
local number, token, call, limit, max_bytes, line = arg(1), arg(2), arg(3), tonumber(arg(4)), tonumber(arg(5)), arg(6)
if not is_holder(number, token) then
  return { 'lost', redis.call('HGET', job, 'status') }
end
local count = tonumber(redis.call('HGET', attempts, number .. ':lines') or 0)
if count > limit or redis.call('HGET', attempts, number .. ':line') == call then
  return { 'ok' }
end
if held() + #line > max_bytes then
  count, line = limit, arg(8)
elseif count == limit then
  line = arg(7)
end
redis.call('HSET', attempts, number .. ':lines', count + 1, number .. ':line', call)
publish('log', line)
return { 'ok' }

-- Records a line of an attempt's log. Arguments: number, token, call, how many lines an attempt may record, how many
-- bytes a job may hold, the line as JSON, and as JSON the last line past the one limit and past the other.
-- `call` differs from call to call: the same one twice is one call, sent again.
local number, token, call, limit, most, line = arg(1), arg(2), arg(3), tonumber(arg(4)), tonumber(arg(5)), arg(6)
if not is_holder(number, token) then
  return { 'lost', redis.call('HGET', job, 'status') }
end
local count = tonumber(redis.call('HGET', attempts, number .. ':lines') or 0)
if count > limit or redis.call('HGET', attempts, number .. ':line') == call then
  return { 'ok' }
end
if held() + #line > most then
  count, line = limit, arg(8)
elseif count == limit then
  line = arg(7)
end
redis.call('HSET', attempts, number .. ':lines', count + 1, number .. ':line', call)
publish('log', line)
return { 'ok' }

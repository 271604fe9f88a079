-- Records a file that the attempt has stored. Arguments: number, token, variant, artifact as JSON.
local number, token, variant, artifact = arg(1), arg(2), arg(3), arg(4)
if not is_holder(number, token) then
  return { 'lost', redis.call('HGET', job, 'status') }
end
if redis.call('HGET', artifacts, variant) ~= artifact then
  redis.call('HSET', artifacts, variant, artifact)
  charge(#artifact + 64)
  publish('artifact', artifact)
end
return { 'ok' }

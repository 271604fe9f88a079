-- Ends an attempt and moves the job into its next state.
-- Arguments: number, token, how the attempt ends, the job's next state, reason as JSON or '', variant and artifact or
-- '', the field of the tenant's counters that counts jobs with missing epochs.
-- Without a token, the caller is the reaper, which may end the attempt only once the lease has expired.
local number, token, how, target, reason, variant, artifact = arg(1), arg(2), arg(3), arg(4), arg(5), arg(6), arg(7)
local missing_field = arg(8)
local status = redis.call('HGET', job, 'status')
if not status then
  return { 'missing' }
end
if token == '' then
  local ends = redis.call('ZSCORE', leases, member)
  if redis.call('HGET', job, 'attempt') ~= number or not ends or tonumber(ends) > tonumber(at) then
    return { 'renewed', status }
  end
elseif not is_holder(number, token) then
  local same = redis.call('HGET', attempts, number .. ':token') == token
  if same and redis.call('HGET', attempts, number .. ':asked') == how then
    return { 'ok', status } -- the same call, sent again
  end
  return { 'lost', status }
end

local asked = how
-- A job that is being cancelled ends as cancelled, however its attempt ended.
if status == 'cancelling' and target ~= 'succeeded' then
  target = 'cancelled'
  if how ~= 'lost' then
    how, reason = 'cancelled', ''
  end
end
-- A job that is being paused becomes paused, however it was given back.
if status == 'pausing' and target == 'queued' then
  target = 'paused'
end
if not may_enter(target, status) then
  return { 'refused', status }
end

if variant ~= '' then
  redis.call('HSET', artifacts, variant, artifact)
  charge(#artifact + 64)
  publish('artifact', artifact)
end
redis.call('HINCRBY', job, 'spent', elapsed(number))
redis.call('HSET', attempts, number .. ':status', how, number .. ':asked', asked, number .. ':ended_at', at,
  number .. ':reason', reason)
charge(2 * #reason + 192)
if how == 'lost' then
  redis.call('HINCRBY', job, 'losses', 1)
end
-- Each epoch is recorded before the end: a missing epoch was lost when Redis was restored from an older copy.
local asked_epochs = tonumber(redis.call('HGET', job, 'epochs'))
if target == 'succeeded' and asked_epochs then
  local first = tonumber(redis.call('HGET', job, 'first_epoch'))
  if redis.call('HLEN', epochs) < asked_epochs - first then
    redis.call('HINCRBY', counters, missing_field, 1)
  end
end
if target == 'failed' then
  redis.call('HSET', job, 'reason', reason)
elseif target == 'queued' or target == 'paused' then
  redis.call('HINCRBY', job, 'attempt', 1)
end
enter(target, status, target ~= 'cancelled' and reason or '')
return { 'ok', target }

-- Prepended to every script about a job; contains the only function that changes a job's state.
-- JSON is opaque here (made in Python, stored as text): a round trip through cjson turns [] into {} and drops digits.

local job, transitions, attempts, events = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local epochs, artifacts, checkpoints, leases, queued = KEYS[5], KEYS[6], KEYS[7], KEYS[8], KEYS[9]
local released, counters = KEYS[10], KEYS[11]

local member, id, status_index = ARGV[1], ARGV[2], ARGV[3]
local TABLE = cjson.decode(ARGV[4]) -- to -> {from = {state = true}, held = whether a worker holds it, final}

local function arg(n)
  return ARGV[4 + n]
end

-- Microseconds as text: exact, while Lua would print such a number as 1.76e+15.
local time = redis.call('TIME')
local at = time[1] .. string.format('%06d', tonumber(time[2]))

local function after(microseconds, seconds)
  return string.format('%.0f', tonumber(microseconds) + tonumber(seconds) * 1e6)
end

-- The longest lease, in seconds: the death of a worker is noticed after one lease.
local LONGEST_LEASE = 3600
local MOST_RELEASED = 10000

-- Gives the attempt that holds the job a lease of `seconds` from now.
local function lease(seconds)
  seconds = math.min(math.max(tonumber(seconds), 0), LONGEST_LEASE)
  redis.call('HSET', job, 'lease', string.format('%.0f', seconds * 1e6))
  redis.call('ZADD', leases, after(at, seconds), member)
end

-- Updates the duration of an attempt. The clock of Redis may be set forward or back between two calls: a negative
-- difference counts as 0, and a difference of more than one lease counts as one lease. clock.py has the same rule.
local function elapsed(number)
  local seen = redis.call('HGET', attempts, number .. ':seen') or redis.call('HGET', attempts, number .. ':started_at')
  local longest = tonumber(redis.call('HGET', job, 'lease') or '20000000')
  local step = math.min(math.max(tonumber(at) - tonumber(seen), 0), longest)
  redis.call('HSET', attempts, number .. ':seen', at)
  return redis.call('HINCRBY', attempts, number .. ':elapsed', string.format('%.0f', step))
end

-- Lists a text that names a blob which the job no longer needs, so that the blob can be deleted soon. The sweeper finds
-- blobs that are missing from this list later.
local function release(text)
  redis.call('RPUSH', released, text)
  redis.call('LTRIM', released, -MOST_RELEASED, -1)
end

-- Charges the job and its tenant for bytes that the script writes; a negative number gives bytes back. See usage.py.
local function charge(bytes)
  redis.call('HINCRBY', job, 'held', bytes)
  redis.call('HINCRBY', counters, 'held:jobs', bytes)
end

local function held()
  return tonumber(redis.call('HGET', job, 'held') or 0)
end

local function publish(kind, data)
  charge(#data + 64)
  return redis.call('XADD', events, '*', 'type', kind, 'data', data)
end

local function is_holder(number, token)
  return redis.call('HGET', job, 'token') == token and redis.call('HGET', job, 'attempt') == number
end

-- Moves the job into state `to`; the caller has checked `may_enter`. `reason` is JSON or ''.
local function enter(to, from, reason)
  redis.call('HSET', job, 'status', to)
  redis.call('RPUSH', transitions, (from or '-') .. ' ' .. to .. ' ' .. at)
  charge(64)
  if from then
    redis.call('ZREM', status_index .. from, id)
  end
  redis.call('ZADD', status_index .. to, 0, id)
  if to == 'queued' then
    redis.call('ZADD', queued, at, member)
  else
    redis.call('ZREM', queued, member)
  end
  if not TABLE[to].held then
    redis.call('ZREM', leases, member)
    redis.call('HDEL', job, 'token')
  end
  if TABLE[to].final then
    redis.call('HSET', job, 'finished_at', at)
  end
  local before = from and ('"' .. from .. '"') or 'null'
  local why = reason ~= '' and reason or 'null'
  local number = redis.call('HGET', job, 'attempt') or 'null'
  publish('state', '{"from":' .. before .. ',"to":"' .. to .. '","attempt":' .. number .. ',"reason":' .. why .. '}')
end

local function may_enter(to, from)
  return TABLE[to].from[from] == true
end

-- Makes a stored checkpoint the one that the next attempt resumes from, unless there is a later one. The count of lost
-- attempts restarts at each such advance.
local function advance(epoch, step, checkpoint)
  local known, taken = redis.call('HGET', job, 'resume_epoch'), redis.call('HGET', job, 'resume_step')
  epoch, step = tonumber(epoch), tonumber(step)
  if known and (epoch < tonumber(known) or (epoch == tonumber(known) and step <= tonumber(taken))) then
    return
  end
  -- A checkpoint within an epoch is kept nowhere else.
  local before = tonumber(taken or 0) > 0 and redis.call('HGET', job, 'resume')
  if before and before ~= checkpoint then
    release(before)
  end
  redis.call('HSET', job, 'resume', checkpoint, 'resume_epoch', epoch, 'resume_step', step, 'losses', 0)
  publish('checkpoint', checkpoint)
end

-- Keeps the checkpoint of an epoch's end; of these checkpoints only the newest stay, as many as the job's request sets.
local function keep(epoch, checkpoint)
  redis.call('HSET', checkpoints, epoch, checkpoint)
  charge(#checkpoint + 64)
  local kept = redis.call('HKEYS', checkpoints)
  table.sort(kept, function(one, other) return tonumber(one) < tonumber(other) end)
  for n = 1, #kept - tonumber(redis.call('HGET', job, 'keep')) do
    local dropped = redis.call('HGET', checkpoints, kept[n])
    release(dropped)
    charge(-(#dropped + 64))
    redis.call('HDEL', checkpoints, kept[n])
  end
end

#!lua flags=allow-oom
-- Sets a tenant's totals to the sum of its records' charges. A record that was never charged is charged its present
-- size. Keys: the counters, the listings of jobs, datasets and models.
-- Arguments: the prefix of the records' keys of each kind, then the counter of each kind.
local PARTS = { '', ':transitions', ':attempts', ':events', ':epochs', ':artifacts', ':checkpoints', ':spec' }

local function measured(key)
  local bytes = 0
  for _, part in ipairs(PARTS) do
    bytes = bytes + (redis.call('MEMORY', 'USAGE', key .. part) or 0)
  end
  return bytes
end

local wrong = 0
for kind = 1, 3 do
  local total = 0
  for _, id in ipairs(redis.call('ZRANGE', KEYS[1 + kind], 0, -1)) do
    local key = ARGV[kind] .. id
    local held = redis.pcall('HGET', key, 'held')
    if type(held) == 'table' then
      held = 0 -- the key has another type
    end
    if not held and redis.call('EXISTS', key) == 1 then
      held = measured(key)
      redis.call('HSET', key, 'held', held)
    end
    total = total + (tonumber(held or 0) or 0)
  end
  local counter = ARGV[3 + kind]
  local known = tonumber(redis.call('HGET', KEYS[1], counter) or 0) or 0
  if known ~= total then
    wrong = wrong + math.abs(known - total)
    redis.call('HSET', KEYS[1], counter, string.format('%.0f', total))
  end
end
return wrong

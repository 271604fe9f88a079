-- Puts the staged keys in the place of all records, in one step.
-- Arguments: how staged keys begin; then the second words of the keys that stay.
local staged, stays = ARGV[1], {}
for n = 2, #ARGV do
  stays[ARGV[n]] = true
end

local function each(pattern, act)
  local cursor = '0'
  repeat
    local page = redis.call('SCAN', cursor, 'MATCH', pattern, 'COUNT', 1000)
    cursor = page[1]
    for _, key in ipairs(page[2]) do
      act(key)
    end
  until cursor == '0'
end

each('pippin:*', function(key)
  if not stays[string.match(key, '^pippin:([^:/]*)')] then
    redis.call('UNLINK', key)
  end
end)
local count = 0
each(staged .. '*', function(key)
  redis.call('RENAME', key, string.sub(key, #staged + 1))
  count = count + 1
end)
return count

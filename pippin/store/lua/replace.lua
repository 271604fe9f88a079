-- Replaces all records by the staged keys, in one step.
-- Keys: the mark that all keys are staged. Arguments: the prefix of staged keys, then the second parts of the keys that
-- stay.
local staged, stays = ARGV[1], {}
for n = 2, #ARGV do
  stays[ARGV[n]] = true
end
-- When the script is sent again after a timeout, nothing is staged: without this check it would delete the new records.
if redis.call('DEL', KEYS[1]) == 0 then
  return 0
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
each(staged .. '*', function(key)
  redis.call('RENAME', key, string.sub(key, #staged + 1))
end)
return 1

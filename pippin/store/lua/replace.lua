-- Puts the staged keys in the place of all records, in one step.
-- Keys: what says that all are staged. Arguments: how staged keys begin; then the second words of the keys that stay.
local staged, stays = ARGV[1], {}
for n = 2, #ARGV do
  stays[ARGV[n]] = true
end
-- Sent again after a timeout, it would find nothing staged and delete what it has just put in place.
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

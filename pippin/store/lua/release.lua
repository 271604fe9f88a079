#!lua flags=allow-oom
-- Gives back a record's charge, and lists the blobs that the record named, which may be unnamed now. Deletions must
-- work in a full Redis. Keys: the counters, the list. Arguments: the counter, bytes, maximum length of the list,
-- digests.
local max_length = tonumber(ARGV[3])
for n = 4, #ARGV do
  redis.call('RPUSH', KEYS[2], ARGV[n])
end
redis.call('LTRIM', KEYS[2], -max_length, -1)
return redis.call('HINCRBY', KEYS[1], ARGV[1], -tonumber(ARGV[2]))

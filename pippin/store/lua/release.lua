#!lua flags=allow-oom
-- Gives back what a record was charged, and lists the blobs that it named, which may be unnamed now: deletions have to
-- work in a full Redis. Keys: the counters, the list. Arguments: the counter, bytes, the longest list, digests.
local most = tonumber(ARGV[3])
for n = 4, #ARGV do
  redis.call('RPUSH', KEYS[2], ARGV[n])
end
redis.call('LTRIM', KEYS[2], -most, -1)
return redis.call('HINCRBY', KEYS[1], ARGV[1], -tonumber(ARGV[2]))

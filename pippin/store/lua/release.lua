#!lua flags=allow-oom
-- Gives back what a record was charged: deletions have to work in a full Redis. Arguments: the counter, bytes.
return redis.call('HINCRBY', KEYS[1], ARGV[1], -tonumber(ARGV[2]))

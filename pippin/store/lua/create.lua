-- The first transition of a job whose record stands, in the same MULTI.
redis.call('HSET', job, 'created_at', at)
enter('queued', nil, '')
return { 'ok' }

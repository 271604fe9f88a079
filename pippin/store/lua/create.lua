-- Makes the first transition of a job, in the MULTI that writes the record.
redis.call('HSET', job, 'created_at', at)
enter('queued', nil, '')
return { 'ok' }

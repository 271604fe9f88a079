"""Deletes a job whose record cannot be read: by its keys alone, whatever they hold."""

from itertools import product

from redis.client import Pipeline

from pippin.api.states import Status
from pippin.store import keys
from pippin.store.client import Client, hmget, watching
from pippin.store.errors import Refused
from pippin.store.queues import QUEUES, Queues

_MAX_ATTEMPTS = 1000  # the most that a request may set
_HELD = {status for status in Status if not status.is_final and status not in {Status.QUEUED, Status.PAUSED}}


def delete_unreadable(client: Client, queues: Queues, tenant: str, job_id: str) -> None:
    """Delete the keys of a job, and its entries in every listing and queue.

    The job's idempotency key expires by itself.

    Raises:
        Refused: Its status says that a worker may still hold it.
    """
    of = keys.job(tenant, job_id)
    # A scan over all keys, only for this rare case: the job's name and labels cannot be read.
    listings = [str(listing) for listing in client.scan_iter(match=keys.job_listings(tenant), count=1000)]

    def remove(pipe: Pipeline) -> None:
        is_hash = str(pipe.type(of.job)) == "hash"
        status, attempt = hmget(pipe, of.job, "status", "attempt") if is_hash else ("", "")
        if status in _HELD:
            raise Refused(f"{job_id} cannot be deleted: it is {status}; cancel it first")
        pipe.multi()
        pipe.delete(*of.own)
        for listing in (keys.jobs(tenant), *listings):
            pipe.zrem(listing, job_id)
        for listing in (keys.LEASES, keys.QUEUED):
            pipe.zrem(listing, keys.member(tenant, job_id))
        attempts = min(int(attempt), _MAX_ATTEMPTS) if attempt.isascii() and attempt.isdigit() else 1
        for queue, number in product(QUEUES.values(), range(1, attempts + 1)):
            queues.remove(pipe, queue, job_id, number)
        pipe.execute()

    watching(client, [of.job], remove)

"""Idempotency keys: a client that repeats a request gets the first response, not a second job.

Source: the IETF draft `Idempotency-Key` header, revision 07.
"""

import secrets
from dataclasses import dataclass, field

from redis.client import Pipeline

from pippin.store import keys
from pippin.store.client import Client, watching
from pippin.store.errors import IdempotencyInFlight, IdempotencyMismatch

KEPT_SECONDS = 24 * 3600
IN_FLIGHT_SECONDS = 60  # for a process that died between `begin` and its response


@dataclass(frozen=True)
class Idempotency:
    """The idempotency data of a request.

    Attributes:
        key: The client's key.
        fingerprint: A digest of the body.
        request: Distinguishes this request from another with the same key.
    """

    key: str
    fingerprint: str
    request: str = field(default_factory=lambda: secrets.token_hex(8))


class IdempotencyKeys:
    """The keys that clients have used."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def begin(self, tenant: str, idempotency: Idempotency) -> str | None:
        """Mark the request as in progress, before any work for it begins.

        Returns:
            The id of the job that the first request with this key made; None when this is the first request.

        Raises:
            IdempotencyMismatch: The key was used with another body.
            IdempotencyInFlight: Another request with this key is in progress.
        """
        key = keys.idempotency(tenant, idempotency.key)

        def mark(pipe: Pipeline) -> str | None:
            if job_id := recall(pipe, key, idempotency):
                return job_id
            pipe.multi()
            pipe.hset(key, mapping={"fingerprint": idempotency.fingerprint, "request": idempotency.request})
            pipe.expire(key, IN_FLIGHT_SECONDS)
            pipe.execute()
            return None

        return watching(self._client, [key], mark)

    def abandon(self, tenant: str, idempotency: Idempotency) -> None:
        """Forget a request that made no job, so that a corrected request may use the key."""
        key = keys.idempotency(tenant, idempotency.key)

        def forget(pipe: Pipeline) -> None:
            request, job = _hmget(pipe, key, "request", "job")
            if request == idempotency.request and not job:
                pipe.multi()
                pipe.delete(key)
                pipe.execute()

        watching(self._client, [key], forget)


def recall(pipe: Pipeline, key: str, idempotency: Idempotency) -> str | None:
    """The id of the job that was made with the key, read under WATCH; None when this request may make a job.

    Raises:
        IdempotencyMismatch: The key was used with another body.
        IdempotencyInFlight: Another request with this key is in progress.
    """
    fingerprint, request, job = _hmget(pipe, key, "fingerprint", "request", "job")
    if fingerprint is None:
        return None
    if fingerprint != idempotency.fingerprint:
        raise IdempotencyMismatch("this idempotency key was used for a request with another body; use a new key")
    if job is None and request != idempotency.request:
        raise IdempotencyInFlight("a request with this idempotency key is in progress; repeat it in a moment")
    return job


def settle(pipe: Pipeline, key: str, idempotency: Idempotency, job_id: str) -> None:
    """Assign the job to the key, in the MULTI that makes the job."""
    pipe.hset(key, mapping={"fingerprint": idempotency.fingerprint, "job": job_id})
    pipe.expire(key, KEPT_SECONDS)


def _hmget(pipe: Pipeline, key: str, *fields: str) -> list[str | None]:
    # Under WATCH a pipeline returns the reply at once; redis-py's type does not say so.
    answer: list[str | None] = pipe.execute_command("HMGET", key, *fields)  # type: ignore[no-untyped-call]
    return answer

"""Idempotency keys: a client that sends a request again gets the first answer, not a second job.

Source: the IETF draft `Idempotency-Key` header, revision 07.
"""

import secrets
from dataclasses import dataclass, field

from redis.client import Pipeline

from pippin.store import keys
from pippin.store.client import Client, watching
from pippin.store.errors import IdempotencyInFlight, IdempotencyMismatch

KEPT_SECONDS = 24 * 3600
IN_FLIGHT_SECONDS = 60  # for a process that died between `begin` and its answer


@dataclass(frozen=True)
class Idempotency:
    """What a client sent to make its request repeatable.

    Attributes:
        key: The client's key.
        fingerprint: A digest of the body.
        request: Tells this request from another with the same key.
    """

    key: str
    fingerprint: str
    request: str = field(default_factory=lambda: secrets.token_hex(8))


class IdempotencyKeys:
    """The keys that clients have used."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def begin(self, tenant: str, idempotency: Idempotency) -> str | None:
        """Mark the request as being worked on, before any work is done for it.

        Returns:
            The id of the job that the first request with this key made; None when this is the first.

        Raises:
            IdempotencyMismatch: The key was used with another body.
            IdempotencyInFlight: Another request with this key is being worked on.
        """
        key = keys.idempotency(tenant, idempotency.key)

        def mark(pipe: Pipeline) -> str | None:
            if known := recall(pipe, key, idempotency):
                return known
            pipe.multi()
            pipe.hset(key, mapping={"fingerprint": idempotency.fingerprint, "request": idempotency.request})
            pipe.expire(key, IN_FLIGHT_SECONDS)
            pipe.execute()
            return None

        return watching(self._client, [key], mark)

    def abandon(self, tenant: str, idempotency: Idempotency) -> None:
        """Forget a request that led to no job, so that a corrected one may use the key."""
        key = keys.idempotency(tenant, idempotency.key)

        def forget(pipe: Pipeline) -> None:
            request, job = _hmget(pipe, key, "request", "job")
            if request == idempotency.request and not job:
                pipe.multi()
                pipe.delete(key)
                pipe.execute()

        watching(self._client, [key], forget)


def recall(pipe: Pipeline, key: str, idempotency: Idempotency) -> str | None:
    """The job that the key stands for, read under WATCH; None when this request may make one.

    Raises:
        IdempotencyMismatch: The key was used with another body.
        IdempotencyInFlight: Another request with this key is being worked on.
    """
    fingerprint, request, job = _hmget(pipe, key, "fingerprint", "request", "job")
    if fingerprint is None:
        return None
    if fingerprint != idempotency.fingerprint:
        raise IdempotencyMismatch("this idempotency key was used for a request with another body; take a new key")
    if job is None and request != idempotency.request:
        raise IdempotencyInFlight("a request with this idempotency key is being worked on; repeat it in a moment")
    return job


def settle(pipe: Pipeline, key: str, idempotency: Idempotency, job_id: str) -> None:
    """Queue, in the MULTI that makes the job, that the key stands for it from now on."""
    pipe.hset(key, mapping={"fingerprint": idempotency.fingerprint, "job": job_id})
    pipe.expire(key, KEPT_SECONDS)


def _hmget(pipe: Pipeline, key: str, *fields: str) -> list[str | None]:
    # Under WATCH a pipeline answers at once, which its type does not tell.
    answer: list[str | None] = pipe.execute_command("HMGET", key, *fields)  # type: ignore[no-untyped-call]
    return answer

"""The leases of held jobs, and the removal of members that name no job from sets that workers write."""

from collections.abc import Callable, Mapping

import structlog
from redis.exceptions import ResponseError

from pippin.store import clock, keys
from pippin.store.client import Client

MAX_MEMBERS = 10_000
"""Members of a set that are read at once: 0.2 s of work."""

_FIELDS = ("status", "token", "lease")
_log = structlog.stdlib.get_logger(__name__)


class JobMembers:
    """Checks which members of a set name a job, and removes the others.

    Attributes:
        removed: Number of members removed because they name no matching job.
    """

    def __init__(self, client: Client) -> None:
        self.removed = 0
        self._client = client
        self._logged: set[str] = set()

    def prune(
        self, key: str, members: list[str], belongs: Callable[[Mapping[str, str]], bool]
    ) -> dict[str, Mapping[str, str]]:
        """Remove members from a set that do not belong in it.

        Args:
            key: Key of the set.
            members: Some of the set's members.
            belongs: Decides by the fields `status`, `token` and `lease` of a member's job.

        Returns:
            The members that belong in the set, in their order, and these fields.
        """
        named = [member for member in members if keys.is_member(member)]
        with self._client.pipeline(transaction=False) as pipe:
            for member in named:
                pipe.hmget(keys.job(*keys.parse_member(member)).job, _FIELDS)
            answers = pipe.execute(raise_on_error=False)
        fields = {
            member: {name: value or "" for name, value in zip(_FIELDS, answer, strict=True)}
            for member, answer in zip(named, answers, strict=True)
            if not isinstance(answer, ResponseError)
        }
        kept: dict[str, Mapping[str, str]] = {member: each for member, each in fields.items() if belongs(each)}
        if strays := [member for member in members if member not in kept]:
            self._client.zrem(key, *strays)
            self.removed += len(strays)
            if key not in self._logged:
                # Log once for each set: a hostile worker may add entries without end.
                self._logged.add(key)
                _log.warning(
                    "removed entries of jobs that do not exist", key=key, count=len(strays), first=strays[0][:100]
                )
        return kept


_SLACK = 1_000_000  # microseconds
_MAX_DIGITS = 18


class Leases:
    """Reads and repairs the sorted set of leases.

    Workers write the set, so a member may be any text. A member that names no held job is removed. A job that is
    claimed at the same moment may lose its lease this way: the next renewal restores the lease.
    """

    def __init__(self, client: Client, members: JobMembers) -> None:
        self._client = client
        self._members = members

    def expired(self, limit: int = 100) -> list[tuple[str, str]]:
        """Tenant and id of the jobs whose lease has expired by the clock of Redis, the oldest first.

        Reads ten thousand members, from both ends, so that malformed members cannot hide real ones.

        Args:
            limit: Maximum number of jobs.
        """
        now = clock.now(self._client)
        with self._client.pipeline(transaction=False) as pipe:
            pipe.zrangebyscore(keys.LEASES, "-inf", now, start=0, num=MAX_MEMBERS // 2)
            pipe.zrevrangebyscore(keys.LEASES, now, "-inf", start=0, num=MAX_MEMBERS // 2)
            oldest, newest = pipe.execute()
        members = list(dict.fromkeys([*oldest, *reversed(newest)]))
        held = list(self._members.prune(keys.LEASES, members, _is_held))
        # Half from each end again: jobs that cannot be requeued must not hide the others either.
        chosen = held if len(held) <= limit else [*held[: limit // 2], *held[-(limit - limit // 2) :]]
        return [keys.parse_member(member) for member in chosen]

    def shorten(self) -> int:
        """Shorten leases that end later than one lease from now, as happens when the clock of Redis is set back.

        A live worker renews its lease within that time. A worker that is gone would otherwise keep its job for as long
        as the clock was set back.

        Returns:
            Number of shortened leases.
        """
        now = clock.now(self._client)
        with self._client.pipeline(transaction=False) as pipe:
            pipe.zrevrangebyscore(keys.LEASES, "+inf", now + _SLACK, start=0, num=MAX_MEMBERS, withscores=True)
            ends: dict[str, float] = dict(pipe.execute()[0])
        held = self._members.prune(keys.LEASES, list(ends), _is_held)
        latest = {member: now + _lease_of(fields) for member, fields in held.items()}
        too_long = {member: end for member, end in latest.items() if ends[member] > end + _SLACK}
        if too_long:
            self._client.zadd(keys.LEASES, too_long, xx=True)
        return len(too_long)


def _is_held(fields: Mapping[str, str]) -> bool:
    return bool(fields["token"])


def _lease_of(fields: Mapping[str, str]) -> int:
    text = fields["lease"]
    is_number = text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS
    return min(int(text), clock.LONGEST_LEASE) if is_number else clock.DEFAULT_LEASE

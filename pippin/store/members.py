"""Sorted sets of jobs that workers write to: read in bounded pieces, and cleaned of what names no job."""

from collections.abc import Callable, Mapping

import structlog
from redis.exceptions import ResponseError

from pippin.store import keys
from pippin.store.client import Client

MAX_MEMBERS = 10_000
"""Of a set, so many are read at once: 0.2 s of work."""

_FIELDS = ("status", "token", "lease")
_log = structlog.stdlib.get_logger(__name__)


class JobMembers:
    """Tells the members of a set that name a job from those that do not.

    Attributes:
        removed: How many were removed because they name no such job.
    """

    def __init__(self, client: Client) -> None:
        self.removed = 0
        self._client = client
        self._logged: set[str] = set()

    def prune(
        self, key: str, members: list[str], belongs: Callable[[Mapping[str, str]], bool]
    ) -> dict[str, Mapping[str, str]]:
        """Remove from a set those of its members that do not belong there.

        Args:
            key: Of the set.
            members: Some of its members.
            belongs: Judges the fields `status`, `token` and `lease` of a member's job.

        Returns:
            The members that belong there, in their order, and these fields.
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
                # Once for each set: a hostile worker may add entries without end.
                self._logged.add(key)
                _log.warning("removed members that name no such job", key=key, count=len(strays), first=strays[0][:100])
        return kept

"""Listings: the newest ids page by page, and lookup of a record by an abbreviated id or `last`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from pippin.api.names import LAST
from pippin.ids import is_abbreviation
from pippin.store.client import Client
from pippin.store.errors import AmbiguousName
from pippin.store.versions import Unreadable

_T = TypeVar("_T")
_CHUNK = 500

PAGE_BYTES = 4 * 2**20
"""Default limit of the size of a page's records together."""


@dataclass(frozen=True)
class Page(Generic[_T]):
    """A page of a listing, newest first.

    Attributes:
        items: The records on the page.
        next: The cursor to give as `after` for the next page; None on the last page.
        unreadable: Records of the page that exist but cannot be read.
    """

    items: tuple[_T, ...]
    next: str | None
    unreadable: tuple[Unreadable, ...] = ()

    @property
    def has_more(self) -> bool:
        """Whether there is a next page."""
        return self.next is not None


def newest(client: Client, listings: Sequence[str], after: str | None, limit: int) -> tuple[list[str], str | None]:
    """The newest ids that are in every listing.

    Reads the shortest listing in chunks and looks up each chunk in the other listings: no scan over all keys, and no
    intersection written to Redis for a read.

    Args:
        client: The client to read with.
        listings: Keys of sorted sets.
        after: Only ids older than this id, which need not exist any more.
        limit: Maximum number of ids.

    Returns:
        The ids, and the cursor of the next page.
    """
    with client.pipeline(transaction=False) as pipe:
        for listing in listings:
            pipe.zcard(listing)
        sizes: list[int] = pipe.execute()
    by_size = sorted(range(len(listings)), key=lambda n: sizes[n])
    shortest, others = listings[by_size[0]], [listings[n] for n in by_size[1:]]

    ids: list[str] = []
    cursor = after
    while len(ids) <= limit:
        chunk = _older(client, shortest, cursor, max(_CHUNK, limit + 1) if others else limit + 1 - len(ids))
        if not chunk:
            return ids, None
        ids += _in_all(client, others, chunk)
        cursor = chunk[-1]
    return ids[:limit], ids[limit - 1]


def fitting(sizes: Sequence[int], max_bytes: int) -> int:
    """How many of the first records take at most `max_bytes` together: at least one, so that paging makes progress."""
    total = 0
    for count, size in enumerate(sizes):
        total += size
        if total > max_bytes:
            return max(1, count)
    return len(sizes)


def _older(client: Client, listing: str, than: str | None, count: int) -> list[str]:
    with client.pipeline(transaction=False) as pipe:
        pipe.zrange(listing, f"({than}" if than else "+", "-", desc=True, bylex=True, offset=0, num=count)
        ids: list[str] = pipe.execute()[0]
    return ids


def _in_all(client: Client, listings: Sequence[str], ids: list[str]) -> list[str]:
    if not listings:
        return ids
    with client.pipeline(transaction=False) as pipe:
        for listing in listings:
            pipe.zmscore(listing, ids)
        answers = pipe.execute()
    return [member for n, member in enumerate(ids) if all(scores[n] is not None for scores in answers)]


SHORTEST = 4
"""Minimum length of an abbreviated id, not counting `job_`, `ds_` or `model_`."""

_CANDIDATES = 10


def find(client: Client, listing: str, kind: str, prefix: str, text: str) -> str | None:
    """The id in a listing for `last` or an abbreviated id; None if there is none.

    Reads at most eleven entries, whatever the length of the listing.

    Args:
        client: The client to read with.
        listing: Key of a sorted set of ids, all with score 0.
        kind: Kind of the records, in the singular, for the error.
        prefix: Prefix of their ids.
        text: `last`, or the beginning of an id.

    Raises:
        AmbiguousName: Several ids have this beginning.
    """
    if text == LAST:
        return next(iter(_range(client, listing, "-", "+", 1)), None)
    if not is_abbreviation(text, prefix, SHORTEST):
        return None
    return only(
        _range(client, listing, f"[{text}", f"[{text}~", _CANDIDATES + 1),
        f"{kind}s have an id that begins with {text!r}",
    )


def newest_ids(client: Client, listing: str) -> list[str]:
    """The newest ids of a listing, newest first: one more than the number that an error lists."""
    return _range(client, listing, "-", "+", _CANDIDATES + 1)


def only(ids: Sequence[str], what: str) -> str | None:
    """The single id; None if there is none.

    Raises:
        AmbiguousName: There are several ids.
    """
    if len(ids) <= 1:
        return next(iter(ids), None)
    several = f"{len(ids)}" if len(ids) <= _CANDIDATES else f"more than {_CANDIDATES}"
    raise AmbiguousName(f"{several} {what}: {', '.join(ids[:_CANDIDATES])}; give one of these ids")


def _range(client: Client, listing: str, low: str, high: str, count: int) -> list[str]:
    with client.pipeline(transaction=False) as pipe:
        pipe.zrange(listing, high, low, desc=True, bylex=True, offset=0, num=count)
        ids: list[str] = pipe.execute()[0]
    return ids

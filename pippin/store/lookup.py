"""Which record a person means: by its name, by the beginning of its id, or the newest one as `last`."""

from collections.abc import Sequence

from pippin.api.names import LAST
from pippin.ids import is_abbreviation
from pippin.store.client import Client
from pippin.store.errors import AmbiguousName

SHORTEST = 4
"""Characters after `job_`, `ds_` or `model_` that the beginning of an id has at least."""

_CANDIDATES = 10


def find(client: Client, listing: str, kind: str, prefix: str, text: str) -> str | None:
    """The id in a listing that `text` stands for, which is no complete id; None if there is none.

    Reads at most eleven entries of the listing, however long that is.

    Args:
        client: Where to look.
        listing: Key of a sorted set of ids, all with score 0.
        kind: Of the records, in the singular, for the error.
        prefix: What their ids begin with.
        text: `last`, or the beginning of an id.

    Raises:
        AmbiguousName: Several ids begin so.
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
    """The newest ids of a listing, newest first: one more than an error would list."""
    return _range(client, listing, "-", "+", _CANDIDATES + 1)


def only(ids: Sequence[str], what: str) -> str | None:
    """The only one of these ids; None if there is none.

    Raises:
        AmbiguousName: There are several.
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

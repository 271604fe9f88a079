"""Blobs that a record has let go of: dropped checkpoints, and the files of what was deleted. They wait for no sweep."""

from pippin.store import keys
from pippin.store.client import Client
from pippin.store.references import digests_in

MAX_RELEASED = 10_000
"""The longest list; a sweep finds the blobs of the others. transition.lua has the same number."""


class Released:
    """The list that scripts add such blobs to, as digests or as the records that name them."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def take(self, limit: int) -> list[str]:
        """The digests in the oldest `limit` entries, which are listed no more."""
        with self._client.pipeline() as pipe:
            pipe.lrange(keys.RELEASED, 0, limit - 1)
            pipe.ltrim(keys.RELEASED, limit, -1)
            texts: list[str] = pipe.execute()[0]
        return [digest for text in texts for digest in digests_in(text)]

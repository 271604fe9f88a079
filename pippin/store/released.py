"""Checkpoints that jobs have dropped, because later ones took their place: their blobs need not wait for a sweep."""

from pippin.store import keys
from pippin.store.client import Client
from pippin.store.records import parse_checkpoint


class Released:
    """The list that scripts add such checkpoints to, ten thousand at most; a sweep finds the blobs of the others."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def take(self, limit: int) -> list[str]:
        """The digests of the oldest ones, at most `limit`; they are listed no more."""
        with self._client.pipeline() as pipe:
            pipe.lrange(keys.RELEASED, 0, limit - 1)
            pipe.ltrim(keys.RELEASED, limit, -1)
            texts: list[str] = pipe.execute()[0]
        return [digest for text in texts if (digest := _digest_of(text))]


def _digest_of(text: str) -> str | None:
    """The digest of a checkpoint as a worker wrote it; None for what is none."""
    try:
        return parse_checkpoint(text).digest
    except ValueError:
        return None

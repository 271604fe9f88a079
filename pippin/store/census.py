"""How much the blob store holds, counted now and then by one service for all: a listing may take minutes."""

from pydantic import BaseModel, ConfigDict

from pippin.store import keys
from pippin.store.client import Client
from pippin.store.errors import UnreadableRecord
from pippin.store.versions import UNREADABLE, dump, load


class BlobUsage(BaseModel):
    """What the blob store held.

    Attributes:
        count: How many blobs.
        bytes: How much they take together.
        counted_at: When that was, in seconds since 1970 by the clock of Redis.
    """

    model_config = ConfigDict(frozen=True)

    count: int
    bytes: int
    counted_at: float


class Census:
    """The last count, and whose turn it is to count again."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def take_turn(self, seconds: int) -> bool:
        """Whether the caller is to count now; nobody else is for `seconds` then."""
        return bool(self._client.set(keys.CENSUS_TURN, "", nx=True, ex=seconds))

    def give_turn_back(self) -> None:
        """Let somebody else count at once."""
        self._client.delete(keys.CENSUS_TURN)

    def record(self, count: int, size: int) -> None:
        """Record a count: how many blobs, and how many bytes together."""
        seconds, microseconds = self._client.time()
        usage = BlobUsage(count=count, bytes=size, counted_at=int(seconds) + int(microseconds) / 1e6)
        self._client.set(keys.CENSUS, dump(usage))

    def last(self) -> BlobUsage | None:
        """The last count; None before the first, and where its record cannot be read."""
        text = self._client.get(keys.CENSUS)
        try:
            return None if text is None else load(BlobUsage, text, "blob usage")
        except UnreadableRecord as error:
            UNREADABLE.note(error)
            return None

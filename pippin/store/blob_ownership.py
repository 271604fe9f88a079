"""Ownership of a blob store: blobs may be deleted only according to the records of the Redis that owns the store.

The store holds small marker objects. `pippin/owner.json` names the Redis that owns the store and is written once, by a
conditional put. `pippin/generation.json` counts the sweeps made by the records of that Redis. Redis holds the same
identity and count. So three cases are recognised: a Redis that was emptied (no identity), a different Redis (another
identity), and a Redis restored from an old snapshot (a lower count). `pippin/guest.json` records that a Redis uses a
store that another Redis owns: the owner's records do not name the guest's blobs, so nothing is deleted then.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice

from pippin.blobs import BlobEntry, BlobError, Blobs
from pippin.store import Refusal, Store
from pippin.store.references import References

_OWNER = "owner"
_GENERATION = "generation"
_GUEST = "guest"
_FORMAT = 1
_BATCH = (
    50_000  # blobs that are compared with the records at once: about 25 MB, whatever the number of blobs or records
)

_ADOPT = (
    "list the blobs that no record names with `pippin blobs list --unnamed`; make this Redis the owner with `pippin "
    "blobs adopt --yes`"
)


def unnamed(blobs: Iterable[BlobEntry], references: References) -> Iterator[BlobEntry]:
    """The blobs that no record names. The records are read once per `_BATCH` blobs."""
    entries = iter(blobs)
    while batch := {blob.digest: blob for blob in islice(entries, _BATCH)}:
        for digest in references.digests():
            batch.pop(digest, None)
        yield from batch.values()


class MarkerError(BlobError):
    """A marker of the store cannot be used.

    Attributes:
        newer: Whether a newer Pippin wrote the marker; otherwise it is damaged.
    """

    def __init__(self, text: str, *, newer: bool) -> None:
        super().__init__(text)
        self.newer = newer


@dataclass(frozen=True)
class Verdict:
    """Whether blobs may be deleted according to the records of a Redis.

    Attributes:
        refusal: Why they may not; None when they may.
        detail: The refusal as a sentence, with its remedy.
    """

    refusal: Refusal | None
    detail: str


_OWNED = Verdict(None, "")


class BlobOwnership:
    """The relation of one Redis to one blob store.

    Every method raises StoreUnavailable when Redis, and BlobError when the blob store, cannot be reached.

    Args:
        store: The records in Redis.
        blobs: The blob store, a folder or a bucket.
    """

    def __init__(self, store: Store, blobs: Blobs) -> None:
        self._ledger = store.blob_ledger
        self._references = store.references
        self._blobs = blobs

    def inspect(self) -> Verdict:
        """Whether blobs may be deleted now. Writes nothing."""
        try:
            owner, swept, guest = self._owner(), self._generation(), self._document(_GUEST)
        except MarkerError as error:
            return Verdict(Refusal.UNREADABLE, f"{error}; {_ADOPT}")
        mine, closed = self._ledger.identity(), self._ledger.closed()
        if owner is None:
            why = closed or "the service claims it when it starts"
            return Verdict(Refusal.UNCLAIMED, f"the blob store has no owner: {why}; {_ADOPT}")
        if mine is None:
            return Verdict(
                Refusal.LOST,
                f"the blob store belongs to the Redis {owner}, and this Redis has no identity: it is another Redis, "
                f"or has lost its records; restore a backup, or {_ADOPT}",
            )
        if owner != mine:
            return Verdict(
                Refusal.FOREIGN,
                f"the blob store belongs to the Redis {owner}, but this Redis is {mine}: give this service its own "
                f"blob store in PIPPIN_BLOBS_URL; or, if the other service no longer exists, {_ADOPT}",
            )
        if guest is not None:
            return Verdict(
                Refusal.SHARED,
                f"since {guest['since']} another Redis ({guest['guest']}) also stores blobs here, which these records "
                f"do not name: give its service its own blob store in PIPPIN_BLOBS_URL, then {_ADOPT}",
            )
        if closed:
            return Verdict(Refusal.CLOSED, f"{closed}; {_ADOPT}")
        recorded = self._ledger.generation()
        if recorded < swept:
            return Verdict(
                Refusal.OUTDATED,
                f"the records in Redis are older than the blob store: it was swept {swept} times, but the records "
                f"count {recorded} sweeps; an old copy of Redis' data was restored: restore a newer one, or {_ADOPT}",
            )
        return _OWNED

    def may_delete(self) -> bool:
        """Whether blobs may be deleted now: this Redis owns the store, and no backup or restore is running."""
        return self.inspect().refusal is None and self._ledger.holder() is None

    def claim(self) -> Verdict:
        """Claim a store without an owner if the records account for its blobs, then say whether blobs may be deleted.

        The records account for an empty store, and for a store whose every blob they name (an installation from before
        stores had owners). Otherwise some blobs may belong to another Redis, and the store stays closed until an
        operator adopts it, whatever records are added meanwhile. In a store with another owner, a guest marker records
        that this Redis uses the store too.
        """
        verdict = self.inspect()
        if verdict.refusal in {Refusal.LOST, Refusal.FOREIGN}:
            self._blobs.create_marker(_GUEST, self._guest_document())
        if verdict.refusal is not Refusal.UNCLAIMED:
            return verdict
        if self._ledger.closed() and next(self._blobs.names(), None) is not None:
            return verdict
        total = sum(1 for _ in self._blobs.names())
        named = total - sum(1 for _ in unnamed(self._blobs.entries(), self._references))
        if named < total:
            self._ledger.close(f"it has {total:,} blobs, of which the records of this Redis name {named:,}")
            return self.inspect()
        self._ledger.reopen()
        self._blobs.create_marker(_OWNER, self._owner_document())
        return self.inspect()

    def advance(self) -> None:
        """Count a sweep, first in Redis, then in the store: ending in between leaves Redis ahead, which is harmless."""
        self._set_generation(max(self._ledger.generation(), self._generation()) + 1)

    def _set_generation(self, generation: int) -> None:
        self._ledger.set_generation(generation)
        document = {"format": _FORMAT, "owner": self._ledger.identity(), "generation": generation}
        self._blobs.write_marker(_GENERATION, _encoded(document))

    def adopt(self) -> None:
        """Make this Redis the owner, whatever the refusal was.

        Raises:
            MarkerError: A newer Pippin wrote a marker of the store.
        """
        try:
            self._owner()
            swept = self._generation()
        except MarkerError as error:
            if error.newer:
                raise
            swept = 0
        self._blobs.write_marker(_OWNER, self._owner_document())
        self._blobs.delete_marker(_GUEST)
        self._ledger.reopen()
        self._set_generation(max(self._ledger.generation(), swept) + 1)

    def _owner_document(self) -> bytes:
        return _encoded({"format": _FORMAT, "owner": self._ledger.draw_identity(), "claimed_at": _now()})

    def _guest_document(self) -> bytes:
        identity = self._ledger.identity() or "without an identity"
        return _encoded({"format": _FORMAT, "guest": identity, "since": _now()})

    def _owner(self) -> str | None:
        document = self._document(_OWNER)
        return None if document is None else str(document["owner"])

    def _generation(self) -> int:
        document = self._document(_GENERATION)
        return 0 if document is None else int(document["generation"])

    def _document(self, name: str) -> dict[str, str | int] | None:
        data = self._blobs.read_marker(name)
        if data is None:
            return None
        try:
            document: dict[str, str | int] = json.loads(data)
            version = document["format"]
            valid = version == _FORMAT and name in document and int(document.get("generation", 0)) >= 0
        except (ValueError, KeyError, TypeError):
            version, valid = None, False
        if not valid:
            newer = isinstance(version, int) and version > _FORMAT
            why = (
                (f"it has format {version}, and this Pippin reads formats up to {_FORMAT}")
                if newer
                else "it is damaged"
            )
            raise MarkerError(f"the marker pippin/{name}.json of the blob store cannot be used: {why}", newer=newer)
        return document


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _encoded(document: dict[str, str | int | None]) -> bytes:
    return json.dumps(document, indent=2).encode() + b"\n"

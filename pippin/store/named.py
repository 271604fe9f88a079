"""Records of uploads of one kind, datasets or models, found by id or by name."""

from hashlib import sha256
from typing import Any, Generic, TypeVar

from redis.client import Pipeline
from redis.exceptions import ResponseError

from pippin.api.datasets import StoredManifest
from pippin.models.record import StoredModel
from pippin.store import keys
from pippin.store.client import Client, watching
from pippin.store.errors import NameTaken, UnreadableRecord
from pippin.store.listing import PAGE_BYTES, Page, find, fitting, newest
from pippin.store.quotas import ByteQuota
from pippin.store.references import digests_in
from pippin.store.usage import Usage, charge_of_record, check_record
from pippin.store.versions import UNREADABLE, Unreadable, dump, load

RecordT = TypeVar("RecordT", StoredManifest, StoredModel)


class NamedRecords(Generic[RecordT]):
    """The records of one kind. The uploaded content is in blobs, outside this class.

    Args:
        kind: The kind in the singular, as in a key: `dataset` or `model`.
        prefix: Prefix of the ids: `ds` or `model`.
        record: The class of a record.
    """

    def __init__(self, client: Client, kind: str, prefix: str, record: type[RecordT], usage: Usage) -> None:
        self._client = client
        self._usage = usage
        self._kind = kind
        self._prefix = prefix
        self._record: type[RecordT] = record

    def create(
        self, tenant: str, record: RecordT, content_key: str, quota: ByteQuota | None = None
    ) -> tuple[RecordT, bool]:
        """Store a record, unless an identical one exists.

        Args:
            tenant: The tenant that owns the record.
            record: The record to store, under its own id (`new_id("ds")`).
            content_key: A digest of the uploaded bytes and of the options they were read with. Two uploads are
                identical when their content keys and their names are equal.
            quota: The byte quota of the token that uploaded the content, if it has one.

        Returns:
            The stored record, and whether it is new.

        Raises:
            NameTaken: Another record has the name.
            QuotaExceeded: The token has used up its quota.
            RecordTooLarge: The record exceeds the size limit.
            TenantFull, StoreFull: There is no room for another record.
        """
        text = dump(record)
        check_record(f"the {self._kind}'s record", len(text.encode()), self._usage.limits.record_bytes, _SMALLER)
        size = charge_of_record(text, record.name)
        key = keys.record(tenant, self._kind, record.id)
        names, contents = keys.names(tenant, self._kind), keys.contents(tenant, self._kind)
        identity = _identity(record.name, content_key)

        def make(pipe: Pipeline) -> str:
            # In this order: an identical record made between the two reads is found, and not taken for a name conflict.
            holder = pipe.hget(names, record.name or "")
            identical = pipe.hget(contents, identity)
            if identical:
                return str(identical)
            if holder is not None:
                raise NameTaken(
                    f"the name {record.name!r} belongs to the {self._kind} {holder!s}, which has different content; "
                    f"choose another name or delete that {self._kind}"
                )
            gone = quota.require(pipe, tenant, record.bytes) if quota else []
            self._usage.require_space(tenant, size)
            pipe.multi()
            pipe.sadd(keys.TENANTS, tenant)
            self._usage.charge(pipe, tenant, f"{self._kind}s", size)
            if quota:
                quota.record(pipe, tenant, key, record.bytes, gone)
            if record.name:
                pipe.hset(names, record.name, record.id)
            pipe.hset(contents, identity, record.id)
            pipe.zadd(keys.listing(tenant, self._kind), {record.id: 0})
            pipe.hset(key, mapping={"record": text, "identity": identity, "held": size})
            pipe.execute()
            return record.id

        stored_id = watching(self._client, [names, contents, *([quota.key(tenant)] if quota else [])], make)
        if stored_id == record.id:
            return record, True
        # If the existing record was deleted at this moment, create the new one.
        present = self.get(tenant, stored_id)
        return (present, False) if present else self.create(tenant, record, content_key, quota)

    def require_space(self, tenant: str, name: str | None, content_key: str, size: int, quota: ByteQuota) -> None:
        """Check that the quota allows an upload of `size` bytes before its blob is stored. A repeated upload passes.

        Raises:
            QuotaExceeded: The quota does not allow the upload.
        """
        if not self._client.hexists(keys.contents(tenant, self._kind), _identity(name, content_key)):
            quota.require(self._client, tenant, size)

    def get(self, tenant: str, id_or_name: str) -> RecordT | None:
        """The record that `id_of` finds; None if there is none.

        Raises:
            AmbiguousName: Several ids have this beginning.
            UnreadableRecord: The record is damaged, or of a newer major version.
        """
        record_id = self.id_of(tenant, id_or_name)
        if record_id is None:
            return None
        stored = self._stored(tenant, [record_id])[0]
        return None if stored is None else load(self._record, stored, record_id)

    def id_of(self, tenant: str, id_or_name: str) -> str | None:
        """The id of a record, whether or not the record can be read; None if there is none.

        Args:
            tenant: The tenant that owns the record.
            id_or_name: An id; else a name; else the beginning of an id; else `last` for the newest record.

        Raises:
            AmbiguousName: Several ids have this beginning.
        """
        with self._client.pipeline(transaction=False) as pipe:
            pipe.exists(keys.record(tenant, self._kind, id_or_name))
            pipe.hget(keys.names(tenant, self._kind), id_or_name)
            exists, named = pipe.execute()
        if exists or named:
            return id_or_name if exists else named
        return find(self._client, keys.listing(tenant, self._kind), self._kind, self._prefix, id_or_name)

    def page(
        self, tenant: str, *, after: str | None = None, limit: int = 20, max_bytes: int = PAGE_BYTES
    ) -> Page[RecordT]:
        """A page of records, newest first.

        Args:
            tenant: The tenant that owns the records.
            after: Only records older than this id: the `next` of the previous page.
            limit: Maximum number of records, 1 or more.
            max_bytes: Maximum size of the page's records together; a page has at least one record whatever its size.
        """
        ids, cursor = newest(self._client, [keys.listing(tenant, self._kind)], after, limit)
        with self._client.pipeline(transaction=False) as pipe:
            for record_id in ids:
                pipe.hstrlen(keys.record(tenant, self._kind, record_id), "record")
            count = fitting(pipe.execute(), max_bytes)
        if count < len(ids):
            ids, cursor = ids[:count], ids[count - 1]
        items: list[RecordT] = []
        unreadable: list[Unreadable] = []
        for record_id, stored in zip(ids, self._stored(tenant, ids), strict=True):
            try:
                items += [] if stored is None else [load(self._record, stored, record_id)]
            except UnreadableRecord as error:
                unreadable.append(UNREADABLE.record(error))
        return Page(tuple(items), cursor, tuple(unreadable))

    def delete(self, tenant: str, record_id: str) -> bool:
        """Delete a record, readable or not; its blob stays until no record names it.

        Returns:
            Whether a record had this id.
        """
        names, contents = keys.names(tenant, self._kind), keys.contents(tenant, self._kind)
        record = keys.record(tenant, self._kind, record_id)

        def remove(pipe: Pipeline) -> bool:
            if not pipe.exists(record):
                return False
            held = _held(pipe, record)
            stored = self._stored(tenant, [record_id])[0]
            stale_names: list[Any]
            stale_contents: list[Any]
            try:
                stale_names = [load(self._record, stored, record_id).name]
                stale_contents = [pipe.hget(record, "identity")]
            except UnreadableRecord:
                # Name and identity cannot be read from the record: find both by the record's id.
                stale_names, stale_contents = (
                    [field for field, holder in pipe.hgetall(key).items() if holder == record_id]
                    for key in (names, contents)
                )
            pipe.multi()
            pipe.delete(record)
            pipe.zrem(keys.listing(tenant, self._kind), record_id)
            for key, fields in ((names, stale_names), (contents, stale_contents)):
                if stale := [str(field) for field in fields if field]:
                    pipe.hdel(key, *stale)
            digests = digests_in(stored) if isinstance(stored, str) else []
            self._usage.release(pipe, tenant, f"{self._kind}s", held, digests)
            pipe.execute()
            return True

        return watching(self._client, [record], remove)

    def _stored(self, tenant: str, ids: list[str]) -> list[Any]:
        """Redis' reply for each record: its JSON, None, or an error where the key has another type."""
        with self._client.pipeline(transaction=False) as pipe:
            for record_id in ids:
                pipe.hget(keys.record(tenant, self._kind, record_id), "record")
            return list(pipe.execute(raise_on_error=False))


_SMALLER = "its names, class labels or layers are too large"


def _held(pipe: Pipeline, record: str) -> int:
    """The bytes that a record was charged; 0 where they cannot be read, which the next recount corrects."""
    try:
        return int(str(pipe.hget(record, "held") or 0))
    except (ResponseError, ValueError):
        return 0


def _identity(name: str | None, content_key: str) -> str:
    return sha256(f"{name or ''}\n{content_key}".encode()).hexdigest()


class Samples:
    """Distinguishes a tenant that deleted the sample from a tenant whose records were lost."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def record(self, tenant: str) -> None:
        """Record that a tenant received the sample."""
        self._client.sadd(keys.SAMPLES, tenant)

    def recipients(self, tenants: list[str]) -> set[str]:
        """Which of these tenants received the sample."""
        if not tenants:
            return set()
        answers = self._client.smismember(keys.SAMPLES, tenants)
        return {tenant for tenant, given in zip(tenants, answers, strict=True) if given}

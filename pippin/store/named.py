"""Datasets: their manifests, found by id or by name."""

from hashlib import sha256

from redis.client import Pipeline

from pippin.datasets.manifest import StoredManifest
from pippin.store import keys
from pippin.store.client import Client
from pippin.store.errors import NameTaken
from pippin.store.listing import Page, newest
from pippin.store.transaction import watching


class Datasets:
    """The records of datasets. Their arrays are blobs, which this knows nothing about."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def create(self, tenant: str, manifest: StoredManifest, content_key: str) -> tuple[StoredManifest, bool]:
        """Record a dataset, unless the same one is there already.

        Args:
            tenant: Whose dataset.
            manifest: What to record, under the id that it brings (`new_id("ds")`).
            content_key: A digest of the uploaded bytes and of the options they were read with. Two datasets are the
                same when this and their names are.

        Returns:
            The manifest of record, and whether it is new.

        Raises:
            NameTaken: Another dataset has the name.
        """
        names, contents = keys.dataset_names(tenant), keys.dataset_contents(tenant)
        identity = sha256(f"{manifest.name or ''}\n{content_key}".encode()).hexdigest()

        def make(pipe: Pipeline) -> str:
            # In this order: a dataset made between the two reads is then known, and not taken for another.
            holder = pipe.hget(names, manifest.name or "")
            known = pipe.hget(contents, identity)
            if known:
                return str(known)
            if holder is not None:
                raise NameTaken(
                    f"the name {manifest.name!r} belongs to the dataset {holder!s}, which has another content; "
                    "choose another name or delete that dataset"
                )
            pipe.multi()
            if manifest.name:
                pipe.hset(names, manifest.name, manifest.id)
            pipe.hset(contents, identity, manifest.id)
            pipe.zadd(keys.datasets(tenant), {manifest.id: 0})
            pipe.hset(
                keys.dataset(tenant, manifest.id),
                mapping={"manifest": manifest.model_dump_json(), "identity": identity},
            )
            pipe.execute()
            return manifest.id

        made = watching(self._client, [names, contents], make)
        if made == manifest.id:
            return manifest, True
        # Deleted in this very moment, the dataset of before gives way to the one at hand.
        present = self.get(tenant, made)
        return (present, False) if present else self.create(tenant, manifest, content_key)

    def get(self, tenant: str, id_or_name: str) -> StoredManifest | None:
        """The dataset with this id or, if no id is that, this name; None if there is none."""
        with self._client.pipeline(transaction=False) as pipe:
            pipe.hget(keys.dataset(tenant, id_or_name), "manifest")
            pipe.hget(keys.dataset_names(tenant), id_or_name)
            record, named = pipe.execute()
        if record is None and named is not None:
            record = self._client.hget(keys.dataset(tenant, named), "manifest")
        return None if record is None else StoredManifest.model_validate_json(record)

    def page(self, tenant: str, *, after: str | None = None, limit: int = 20) -> Page[StoredManifest]:
        """A page of datasets, newest first.

        Args:
            tenant: Whose datasets.
            after: Only datasets older than the one with this id: the `next` of the page before.
            limit: How many at most, 1 or more.
        """
        ids, cursor = newest(self._client, [keys.datasets(tenant)], after, limit)
        with self._client.pipeline(transaction=False) as pipe:
            for dataset_id in ids:
                pipe.hget(keys.dataset(tenant, dataset_id), "manifest")
            records = pipe.execute()
        return Page(tuple(StoredManifest.model_validate_json(record) for record in records if record), cursor)

    def delete(self, tenant: str, dataset_id: str) -> bool:
        """Delete a dataset's record; its arrays stay until nothing refers to them.

        Returns:
            Whether there was one with this id.
        """
        names, contents = keys.dataset_names(tenant), keys.dataset_contents(tenant)
        record = keys.dataset(tenant, dataset_id)

        def remove(pipe: Pipeline) -> bool:
            found, identity = pipe.hget(record, "manifest"), pipe.hget(record, "identity")
            if found is None or identity is None:
                return False
            name = StoredManifest.model_validate_json(str(found)).name
            pipe.multi()
            pipe.delete(record)
            pipe.zrem(keys.datasets(tenant), dataset_id)
            pipe.hdel(contents, str(identity))
            if name:
                pipe.hdel(names, name)
            pipe.execute()
            return True

        return watching(self._client, [record], remove)

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from pippin.api.datasets import Feature, Split, StoredManifest
from pippin.ids import new_id
from pippin.store import NameTaken, Store, keys

TENANT = "default"


@pytest.fixture
def manifest() -> Callable[..., StoredManifest]:
    """The manifest of a new dataset."""

    def make(name: str | None = None) -> StoredManifest:
        return StoredManifest(
            id=new_id("ds"),
            name=name,
            format="npz",
            digest="sha256:" + "0" * 64,
            bytes=100,
            features=[Feature(name="image", shape=(1, 28, 28), dtype="uint8", scale=1 / 255)],
            splits=[Split(name="train", examples=10)],
            labels=None,
            created_at=datetime(2026, 11, 24, tzinfo=UTC),
            ranges={},
        )

    return make


Make = Callable[..., StoredManifest]


def test_a_dataset_is_found_by_id_and_by_name(store: Store, manifest: Make) -> None:
    digits = manifest("digits")
    assert store.datasets.create(TENANT, digits, "content") == (digits, True)
    assert store.datasets.get(TENANT, digits.id) == digits
    assert store.datasets.get(TENANT, "digits") == digits
    assert store.datasets.get(TENANT, "letters") is None
    assert store.datasets.get("another", "digits") is None


def test_the_same_content_under_the_same_name_is_the_same_dataset(store: Store, manifest: Make) -> None:
    for name in ("digits", None):
        first, again = manifest(name), manifest(name)
        store.datasets.create(TENANT, first, "content")
        assert store.datasets.create(TENANT, again, "content") == (first, False)
        assert store.datasets.get(TENANT, again.id) is None


def test_the_same_content_under_another_name_is_another_dataset(store: Store, manifest: Make) -> None:
    first, second, third = manifest("digits"), manifest("numbers"), manifest()
    for each in (first, second, third):
        assert store.datasets.create(TENANT, each, "content") == (each, True)
    assert store.datasets.get(TENANT, "numbers") == second


def test_name_in_use_is_refused_for_other_content(store: Store, manifest: Make) -> None:
    first, other = manifest("digits"), manifest("digits")
    store.datasets.create(TENANT, first, "content")
    with pytest.raises(NameTaken, match=f"'digits' belongs to the dataset {first.id}"):
        store.datasets.create(TENANT, other, "other content")
    assert store.datasets.get(TENANT, "digits") == first
    assert store.datasets.get(TENANT, other.id) is None


def test_concurrent_uploads_of_one_dataset_make_one(store: Store, manifest: Make) -> None:
    def create(_: int) -> str:
        return store.datasets.create(TENANT, manifest("digits"), "content")[0].id

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(create, range(16)))) == 1


def test_a_deleted_dataset_leaves_nothing_and_frees_its_name(store: Store, manifest: Make) -> None:
    first = manifest("digits")
    store.datasets.create(TENANT, first, "content")
    assert store.datasets.delete(TENANT, first.id)
    assert not store.datasets.delete(TENANT, first.id)
    assert store.datasets.get(TENANT, "digits") is None
    assert set(store.redis.keys("*")) == {keys.TENANTS, keys.counters(TENANT), keys.RELEASED}
    assert store.released.take(10) == [first.digest]
    other = manifest("digits")
    assert store.datasets.create(TENANT, other, "other content") == (other, True)


def test_deleting_a_dataset_keeps_another_with_the_same_content(store: Store, manifest: Make) -> None:
    named, unnamed = manifest("digits"), manifest()
    for each in (named, unnamed):
        store.datasets.create(TENANT, each, "content")
    store.datasets.delete(TENANT, unnamed.id)
    assert store.datasets.get(TENANT, "digits") == named
    assert store.datasets.create(TENANT, manifest("digits"), "content") == (named, False)


def test_pages_run_from_the_newest_to_the_oldest(store: Store, manifest: Make) -> None:
    made = [store.datasets.create(TENANT, manifest(), str(number))[0] for number in range(5)]
    made.sort(key=lambda dataset: dataset.id, reverse=True)
    first = store.datasets.page(TENANT, limit=3)
    second = store.datasets.page(TENANT, limit=3, after=first.next)
    assert first.items + second.items == tuple(made)
    assert second.next is None

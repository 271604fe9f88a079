import pytest

from pippin.store import NameTaken, Store, keys
from tests.pippin.store.driver import TENANT, at_once
from tests.support.records import stored_manifest


def test_dataset_is_found_by_id_and_by_name(store: Store) -> None:
    digits = stored_manifest("digits")
    assert store.datasets.create(TENANT, digits, "content") == (digits, True)
    assert store.datasets.get(TENANT, digits.id) == store.datasets.get(TENANT, "digits") == digits
    assert store.datasets.get(TENANT, "letters") is None
    assert store.datasets.get("another", "digits") is None


@pytest.mark.parametrize("name", ["digits", None])
def test_same_content_under_the_same_name_is_the_same_dataset(store: Store, name: str | None) -> None:
    first, again = stored_manifest(name), stored_manifest(name)
    store.datasets.create(TENANT, first, "content")
    assert store.datasets.create(TENANT, again, "content") == (first, False)
    assert store.datasets.get(TENANT, again.id) is None


def test_same_content_under_another_name_is_another_dataset(store: Store) -> None:
    first, second, third = stored_manifest("digits"), stored_manifest("numbers"), stored_manifest(None)
    for each in (first, second, third):
        assert store.datasets.create(TENANT, each, "content") == (each, True)
    assert store.datasets.get(TENANT, "numbers") == second


def test_name_in_use_is_refused_for_other_content(store: Store) -> None:
    first, other = stored_manifest("digits"), stored_manifest("digits")
    store.datasets.create(TENANT, first, "content")
    with pytest.raises(NameTaken, match=f"'digits' belongs to the dataset {first.id}"):
        store.datasets.create(TENANT, other, "other content")
    assert store.datasets.get(TENANT, "digits") == first
    assert store.datasets.get(TENANT, other.id) is None


def test_concurrent_uploads_of_one_dataset_make_one(store: Store) -> None:
    uploads = [stored_manifest("digits") for _ in range(16)]
    datasets = at_once(lambda manifest: store.datasets.create(TENANT, manifest, "content")[0], uploads)
    assert len({dataset.id for dataset in datasets}) == 1


def test_deleted_dataset_leaves_nothing_and_frees_its_name(store: Store) -> None:
    first = stored_manifest("digits")
    store.datasets.create(TENANT, first, "content")
    assert [store.datasets.delete(TENANT, first.id) for _ in range(2)] == [True, False]
    assert store.datasets.get(TENANT, "digits") is None
    assert set(store.redis.keys("*")) == {keys.TENANTS, keys.counters(TENANT), keys.RELEASED}
    assert store.released.take(10) == [first.digest]
    other = stored_manifest("digits")
    assert store.datasets.create(TENANT, other, "other content") == (other, True)


def test_deleting_a_dataset_keeps_another_with_the_same_content(store: Store) -> None:
    named, unnamed = stored_manifest("digits"), stored_manifest(None)
    for each in (named, unnamed):
        store.datasets.create(TENANT, each, "content")
    store.datasets.delete(TENANT, unnamed.id)
    assert store.datasets.get(TENANT, "digits") == named
    assert store.datasets.create(TENANT, stored_manifest("digits"), "content") == (named, False)


def test_pages_run_from_the_newest_to_the_oldest(store: Store) -> None:
    datasets = [store.datasets.create(TENANT, stored_manifest(None), str(number))[0] for number in range(5)]
    datasets.sort(key=lambda dataset: dataset.id, reverse=True)
    first = store.datasets.page(TENANT, limit=3)
    second = store.datasets.page(TENANT, limit=3, after=first.next)
    assert first.items + second.items == tuple(datasets)
    assert second.next is None

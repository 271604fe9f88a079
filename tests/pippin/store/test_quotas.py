from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from pippin.api.datasets import StoredManifest
from pippin.api.jobs import Job
from pippin.api.requests import ResolvedRequest
from pippin.ids import new_id
from pippin.store import ByteQuota, Claim, Idempotency, JobQuota, QuotaExceeded, Store
from pippin.store.rates import Rates

TENANT = "default"
Submit = Callable[..., Job]


@pytest.fixture
def submit_as(store: Store, ask: Callable[..., ResolvedRequest]) -> Submit:
    def submit(quota: JobQuota, idempotency: Idempotency | None = None) -> Job:
        return store.jobs.submit(TENANT, ask(), spec={}, quota=quota, idempotency=idempotency)

    return submit


def test_queued_jobs_quota_frees_a_place_when_a_job_starts(
    submit_as: Submit, claim: Callable[..., Claim], store: Store
) -> None:
    quota = JobQuota("token_a", queued=2, active=None)
    first, _ = submit_as(quota), submit_as(quota)
    with pytest.raises(QuotaExceeded, match="2 of this token's jobs wait"):
        submit_as(quota)
    assert len(store.jobs.page(TENANT).items) == 2
    claim(first)
    submit_as(quota)


def test_active_jobs_quota_frees_a_place_when_a_job_ends(
    submit_as: Submit, claim: Callable[..., Claim], store: Store
) -> None:
    quota = JobQuota("token_a", queued=None, active=2)
    first, second = submit_as(quota), submit_as(quota)
    claim(first)
    with pytest.raises(QuotaExceeded, match="2 of this token's jobs wait or run"):
        submit_as(quota)
    store.jobs.cancel(TENANT, second.id)
    third = submit_as(quota)
    store.jobs.cancel(TENANT, third.id)
    store.jobs.delete(TENANT, third.id)
    submit_as(quota)


def test_quotas_of_tokens_are_independent(submit_as: Submit) -> None:
    for name in ("token_a", "token_b"):
        submit_as(JobQuota(name, queued=1, active=1))


def test_concurrent_submissions_do_not_exceed_the_quota(submit_as: Submit, store: Store) -> None:
    quota = JobQuota("token_a", queued=3, active=None)

    def attempt(_: int) -> bool:
        try:
            submit_as(quota)
        except QuotaExceeded:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(attempt, range(16))) == 3
    assert len(store.jobs.page(TENANT).items) == 3


def test_repeat_with_the_same_key_ignores_a_full_quota(submit_as: Submit) -> None:
    quota, key = JobQuota("token_a", queued=1, active=1), Idempotency("one", "body")
    assert submit_as(quota, key).id == submit_as(quota, key).id


def manifest(size: int, name: str) -> StoredManifest:
    return StoredManifest(
        id=new_id("ds"),
        name=name,
        format="npz",
        digest="sha256:" + "0" * 64,
        bytes=size,
        features=[],
        splits=[],
        labels=None,
        created_at=datetime.now(UTC),
        ranges={},
    )


def test_stored_bytes_quota_is_freed_by_deletion(store: Store) -> None:
    quota = ByteQuota("token_a", 100)
    first, _ = store.datasets.create(TENANT, manifest(60, "a"), "a", quota)
    store.datasets.create(TENANT, manifest(40, "b"), "b", quota)
    for check in (
        lambda: store.datasets.create(TENANT, manifest(1, "c"), "c", quota),
        lambda: store.models.require_space(TENANT, None, "m", 1, quota),
    ):
        with pytest.raises(QuotaExceeded, match="100 of the 100 bytes"):
            check()
    assert store.datasets.get(TENANT, "c") is None
    # Content that is already stored needs no room.
    store.datasets.require_space(TENANT, "a", "a", 60, quota)
    assert not store.datasets.create(TENANT, manifest(60, "a"), "a", quota)[1]
    store.datasets.delete(TENANT, first.id)
    store.models.require_space(TENANT, None, "m", 60, quota)
    store.datasets.create(TENANT, manifest(60, "c"), "c", quota)


def test_rate_limit_is_per_token_and_returns_the_seconds_to_wait(store: Store) -> None:
    rates = Rates(store.redis)
    assert [rates.hit("token_a", 3) for _ in range(3)] == [0, 0, 0]
    assert 1 <= rates.hit("token_a", 3) <= 60
    assert rates.hit("token_b", 3) == 0
    assert all(key.startswith("pippin:rate") for key in store.redis.keys("*"))

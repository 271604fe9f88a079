from contextlib import suppress

import pytest

from pippin.store import ByteQuota, Idempotency, JobQuota, QuotaExceeded, Store
from pippin.store.rates import Rates
from tests.pippin.store.driver import TENANT, Driver, at_once
from tests.support.records import stored_manifest


def test_queued_jobs_quota_frees_a_place_when_a_job_starts(store: Store, driver: Driver) -> None:
    quota = JobQuota("token_a", queued=2, active=None)
    first, _ = driver.submit(quota=quota), driver.submit(quota=quota)
    with pytest.raises(QuotaExceeded, match="2 of this token's jobs wait"):
        driver.submit(quota=quota)
    assert len(store.jobs.page(TENANT).items) == 2
    driver.claim(first)
    driver.submit(quota=quota)


def test_active_jobs_quota_frees_a_place_when_a_job_ends(store: Store, driver: Driver) -> None:
    quota = JobQuota("token_a", queued=None, active=2)
    first, second = driver.submit(quota=quota), driver.submit(quota=quota)
    driver.claim(first)
    with pytest.raises(QuotaExceeded, match="2 of this token's jobs wait or run"):
        driver.submit(quota=quota)
    store.jobs.cancel(TENANT, second.id)
    third = driver.submit(quota=quota)
    store.jobs.cancel(TENANT, third.id)
    store.jobs.delete(TENANT, third.id)
    driver.submit(quota=quota)


def test_quotas_of_tokens_are_independent(driver: Driver) -> None:
    for name in ("token_a", "token_b"):
        driver.submit(quota=JobQuota(name, queued=1, active=1))


def test_concurrent_submissions_do_not_exceed_the_quota(store: Store, driver: Driver) -> None:
    def attempt(quota: JobQuota) -> None:
        with suppress(QuotaExceeded):
            driver.submit(quota=quota)

    at_once(attempt, [JobQuota("token_a", queued=3, active=None)] * 16)
    assert len(store.jobs.page(TENANT).items) == 3


def test_repeat_with_the_same_key_ignores_a_full_quota(driver: Driver) -> None:
    quota, key = JobQuota("token_a", queued=1, active=1), Idempotency("one", "body")
    assert driver.submit(quota=quota, idempotency=key).id == driver.submit(quota=quota, idempotency=key).id


def test_stored_bytes_quota_is_freed_by_deletion(store: Store) -> None:
    quota = ByteQuota("token_a", 100)
    first, _ = store.datasets.create(TENANT, stored_manifest("a", bytes=60), "a", quota)
    store.datasets.create(TENANT, stored_manifest("b", bytes=40), "b", quota)
    with pytest.raises(QuotaExceeded, match="100 of the 100 bytes"):
        store.datasets.create(TENANT, stored_manifest("c", bytes=1), "c", quota)
    with pytest.raises(QuotaExceeded, match="100 of the 100 bytes"):
        store.models.require_space(TENANT, None, "m", 1, quota)
    assert store.datasets.get(TENANT, "c") is None
    # Content that is already stored needs no room.
    store.datasets.require_space(TENANT, "a", "a", 60, quota)
    assert not store.datasets.create(TENANT, stored_manifest("a", bytes=60), "a", quota)[1]
    store.datasets.delete(TENANT, first.id)
    store.models.require_space(TENANT, None, "m", 60, quota)
    store.datasets.create(TENANT, stored_manifest("c", bytes=60), "c", quota)


def test_rate_limit_is_per_token_and_returns_the_seconds_to_wait(store: Store) -> None:
    rates = Rates(store.redis)
    assert [rates.hit("token_a", 3) for _ in range(3)] == [0, 0, 0]
    assert 1 <= rates.hit("token_a", 3) <= 60
    assert rates.hit("token_b", 3) == 0
    assert all(key.startswith("pippin:rate") for key in store.redis.keys("*"))

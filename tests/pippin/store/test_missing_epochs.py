"""Redis restored from an older copy while a job trained: the missing epochs are counted."""

import pytest
import redis

from pippin.api.jobs import Job
from pippin.cli.doctor.findings import Level
from pippin.cli.doctor.servers import check_redis
from pippin.store import Store, keys
from tests.pippin.store.driver import TENANT, Driver
from tests.support.records import resolved_request, stored_checkpoint


def dumps(store: Store, job: Job) -> dict[str, bytes]:
    """The keys of a job as they are now."""
    options = store.redis.connection_pool.connection_kwargs | {"decode_responses": False}
    with redis.Redis(connection_pool=redis.ConnectionPool(**options)) as client:
        copies = {key: client.dump(key) for key in keys.job(TENANT, job.id).own}
    return {key: copy for key, copy in copies.items() if copy is not None}


def restore_older(store: Store, job: Job, then: dict[str, bytes]) -> None:
    """Puts the keys of a job back to what they were."""
    store.redis.delete(*keys.job(TENANT, job.id).own)
    for key, value in then.items():
        store.redis.restore(key, 0, value)


def test_succeeded_job_counts_its_missing_epochs(store: Store, driver: Driver, valkey_url: str) -> None:
    job, held = driver.start()
    driver.train(held, 1)
    older = dumps(store, job)
    driver.train(held, 2)
    restore_older(store, job, older)
    driver.train(held, 3, succeed=True)
    whole, held = driver.start()
    driver.train(held, 1, 2, 3, succeed=True)

    assert {each.id: each.missing_epochs for each in store.jobs.page(TENANT).items} == {job.id: 1, whole.id: 0}
    assert store.overviews.read().missing_epochs == 1
    (finding,) = (each for each in check_redis(valkey_url) if each.check == "metrics")
    assert finding.level is Level.WARNING
    assert finding.result == "1 job has succeeded without the metrics of some epochs"


@pytest.mark.parametrize("epochs", [2, 3])
def test_epochs_of_the_retried_job_are_not_missing(store: Store, driver: Driver, epochs: int) -> None:
    job = store.jobs.submit(TENANT, resolved_request(), spec={}, retries=driver.submit(), from_=stored_checkpoint(1))
    driver.train(driver.run(job), *range(2, epochs + 1), succeed=True)
    assert driver.read(job).missing_epochs == 3 - epochs


def test_job_that_has_not_succeeded_has_no_missing_epochs(store: Store, driver: Driver) -> None:
    job, _ = driver.start()
    store.jobs.cancel(TENANT, job.id)
    assert driver.read(job).missing_epochs == 0

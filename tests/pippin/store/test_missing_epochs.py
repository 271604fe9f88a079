"""Redis restored from an older copy while a job trained: the missing epochs are counted."""

from collections.abc import Callable

import pytest
import redis

from pippin.api.checkpoints import StoredCheckpoint
from pippin.api.jobs import Artifact, Job
from pippin.api.metrics import EpochMetrics
from pippin.api.requests import ResolvedRequest
from pippin.cli.doctor.findings import Level
from pippin.cli.doctor.servers import check_redis
from pippin.store import Claim, Store, keys

TENANT = "default"


def dumps(store: Store, job: Job) -> dict[str, bytes]:
    """The keys of a job as they are now."""
    options = store.redis.connection_pool.connection_kwargs | {"decode_responses": False}
    with redis.Redis(connection_pool=redis.ConnectionPool(**options)) as client:
        found = {key: client.dump(key) for key in keys.job(TENANT, job.id).own}
    return {key: dump for key, dump in found.items() if isinstance(dump, bytes)}


@pytest.fixture
def train(
    store: Store, metrics: Callable[..., EpochMetrics], trained: Callable[[Job], Artifact]
) -> Callable[..., None]:
    """Records epochs of a job, and its success on request."""

    def record(job: Job, held: Claim, *epochs: int, succeeds: bool = False) -> None:
        for epoch in epochs:
            store.attempts.epoch(held, metrics(epoch))
        if succeeds:
            store.attempts.succeed(held, trained(job))

    return record


def restore_older(store: Store, job: Job, then: dict[str, bytes]) -> None:
    """Puts the keys of a job back to what they were."""
    for key in keys.job(TENANT, job.id).own:
        store.redis.delete(key)
    for key, value in then.items():
        store.redis.restore(key, 0, value)


def test_succeeded_job_counts_its_missing_epochs(
    store: Store,
    valkey_url: str,
    submit: Callable[..., Job],
    running: Callable[..., Claim],
    train: Callable[..., None],
) -> None:
    whole, job = submit(), submit()
    held = running(job)
    train(job, held, 1)
    older = dumps(store, job)
    train(job, held, 2)
    restore_older(store, job, older)
    train(job, held, 3, succeeds=True)
    train(whole, running(whole), 1, 2, 3, succeeds=True)

    found = {each.id: each.missing_epochs for each in store.jobs.page(TENANT).items}
    assert found == {job.id: 1, whole.id: 0}
    assert store.overviews.read().missing_epochs == 1
    finding = next(each for each in check_redis(valkey_url) if each.check == "metrics")
    assert finding.level is Level.WARNING
    assert finding.result == "1 job has succeeded without the metrics of some epochs"


@pytest.fixture
def retried(store: Store, ask: Callable[..., ResolvedRequest], checkpoint: Callable[..., StoredCheckpoint]) -> Job:
    """A job that resumes after the first epoch of another job."""
    first = store.jobs.submit(TENANT, ask(), spec={})
    return store.jobs.submit(TENANT, ask(), spec={}, retries=first, from_=checkpoint(1))


@pytest.mark.parametrize("epochs", [2, 3])
def test_epochs_of_the_retried_job_are_not_missing(
    store: Store,
    retried: Job,
    running: Callable[..., Claim],
    train: Callable[..., None],
    epochs: int,
) -> None:
    job = retried
    train(job, running(job), *range(2, epochs + 1), succeeds=True)
    found = store.jobs.get(TENANT, job.id)
    assert found is not None
    assert found.missing_epochs == 3 - epochs


def test_job_that_has_not_succeeded_has_no_missing_epochs(
    store: Store, submit: Callable[..., Job], running: Callable[..., Claim]
) -> None:
    job = submit()
    running(job)
    store.jobs.cancel(TENANT, job.id)
    found = store.jobs.get(TENANT, job.id)
    assert found is not None
    assert found.missing_epochs == 0

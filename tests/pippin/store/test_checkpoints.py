from collections.abc import Callable

import pytest

from pippin.api.checkpoints import StoredCheckpoint
from pippin.api.jobs import Job
from pippin.api.states import Status
from pippin.store import Claim, LeaseLost, Store, keys
from pippin.store.attempts import Attempts
from tests.pippin.store.driver import ABSENT, TENANT, Driver
from tests.support.records import epoch_metrics, resolved_request, stored_checkpoint


def kept(store: Store, job: Job) -> list[int]:
    return [checkpoint.epoch for checkpoint in store.jobs.checkpoints(TENANT, job.id)]


def newest_and_kept(driver: Driver, job: Job) -> tuple[StoredCheckpoint | None, list[int]]:
    return driver.read(job).checkpoint, kept(driver.store, job)


def recorded(driver: Driver, job: Job) -> list[tuple[str, object]]:
    """The checkpoints and epochs among the events."""
    return [(event.type, event.data["epoch"]) for event in driver.events(job, "epoch", "checkpoint")]


def test_epoch_and_its_checkpoint_are_recorded_together_and_once(store: Store, driver: Driver) -> None:
    job, held = driver.start()
    first, again = (store.attempts.epoch(held, epoch_metrics(1), checkpoint=stored_checkpoint(1)) for _ in range(2))
    assert again == first
    driver.train(held, 2)
    assert store.jobs.checkpoints(TENANT, job.id) == [stored_checkpoint(1)]
    assert driver.read(job).checkpoint == stored_checkpoint(1)
    assert recorded(driver, job) == [("checkpoint", 1), ("epoch", 1), ("epoch", 2)]


def test_only_the_newest_checkpoints_are_kept(store: Store, driver: Driver) -> None:
    twelve = resolved_request().hyperparameters.model_copy(update={"epochs": 12})
    job, held = driver.start(hyperparameters=twelve, checkpoint={"every_epochs": 1, "keep": 2})
    driver.train(held, *range(8, 13), checkpoints=True)
    assert kept(store, job) == [11, 12]


def test_mid_epoch_checkpoint_is_the_newest_but_not_kept(store: Store, driver: Driver) -> None:
    job, held = driver.start()
    driver.train(held, 1, checkpoints=True)
    store.attempts.checkpoint(held, stored_checkpoint(1, 4))
    assert newest_and_kept(driver, job) == (stored_checkpoint(1, 4), [1])
    driver.train(held, 2, checkpoints=True)
    assert newest_and_kept(driver, job) == (stored_checkpoint(2), [1, 2])


@pytest.mark.parametrize("older", [(1, 0), (2, 0), (2, 4), (2, 5)])
def test_older_checkpoint_does_not_replace_a_newer_one(store: Store, driver: Driver, older: tuple[int, int]) -> None:
    job, held = driver.start()
    for place in ((2, 5), older):
        store.attempts.checkpoint(held, stored_checkpoint(*place))
    assert driver.read(job).checkpoint == stored_checkpoint(2, 5)
    assert recorded(driver, job) == [("checkpoint", 2)]


def test_lost_attempts_are_counted_since_the_last_new_checkpoint(store: Store, driver: Driver) -> None:
    job = driver.submit(max_attempts=2)
    for number in (1, 2, 3):
        store.attempts.checkpoint(driver.run(job, number), stored_checkpoint(0, number))
        assert store.redis.hget(keys.job(TENANT, job.id).job, "losses") == "0"
        assert driver.lose(job) is Status.QUEUED
    store.attempts.checkpoint(driver.run(job, 4), stored_checkpoint(0, 3))  # where it was already
    assert driver.lose(job) is Status.FAILED


@pytest.mark.parametrize(
    "write",
    [
        lambda attempts, claim: attempts.checkpoint(claim, stored_checkpoint(0, 1)),
        lambda attempts, claim: attempts.epoch(claim, epoch_metrics(1), checkpoint=stored_checkpoint(1)),
        lambda attempts, claim: attempts.discard_checkpoint(claim, stored_checkpoint(1)),
    ],
    ids=["checkpoint", "epoch", "discard"],
)
def test_attempt_without_its_lease_records_no_checkpoint(
    store: Store, driver: Driver, write: Callable[[Attempts, Claim], object]
) -> None:
    job, stale = driver.start()
    driver.lose(job)
    driver.run(job, 2)
    with pytest.raises(LeaseLost):
        write(store.attempts, stale)
    assert newest_and_kept(driver, job) == (None, [])


def test_discarded_checkpoint_is_replaced_by_the_previous_one(store: Store, driver: Driver) -> None:
    job, held = driver.start()
    driver.train(held, 1, 2, checkpoints=True)
    store.attempts.checkpoint(held, stored_checkpoint(2, 9))
    assert store.attempts.discard_checkpoint(held, stored_checkpoint(2, 9)) == stored_checkpoint(2)
    for _ in range(2):
        assert store.attempts.discard_checkpoint(held, stored_checkpoint(2)) == stored_checkpoint(1)
        assert newest_and_kept(driver, job) == (stored_checkpoint(1), [1])
    driver.train(held, 2, checkpoints=True)
    assert newest_and_kept(driver, job) == (stored_checkpoint(2), [1, 2])
    assert [event.data["epoch"] for event in driver.events(job, "epoch")] == [1, 2]


def test_job_without_a_readable_checkpoint_restarts_on_any_engine(store: Store, driver: Driver) -> None:
    job, held = driver.start(engine="auto")
    store.attempts.checkpoint(held, stored_checkpoint(0, 3))
    assert driver.read(job).engines_left == ["jax"]
    assert store.attempts.discard_checkpoint(held, stored_checkpoint(0, 3)) is None
    record = driver.read(job)
    assert (record.checkpoint, record.engines_left) == (None, ["coreml", "jax"])
    store.attempts.checkpoint(held, stored_checkpoint(0, 1))
    assert driver.read(job).checkpoint == stored_checkpoint(0, 1)


def test_job_with_a_checkpoint_stays_with_its_engine(store: Store, driver: Driver) -> None:
    (bound, held), (free, _) = (driver.start(engine="auto") for _ in range(2))
    store.attempts.checkpoint(held, stored_checkpoint(0, 3))
    for job in (bound, free):
        driver.lose(job)
    driver.heartbeat(engines=["coreml"])
    assert store.reaping.move_stranded() == [(TENANT, free.id)]
    assert driver.waiting() == [(bound.id, 2)]


def test_metrics_of_given_epochs_are_found(store: Store, driver: Driver) -> None:
    job, held = driver.start()
    driver.train(held, 1, 2, 3)
    assert store.events.epochs(TENANT, job.id, [3, 2, 7]) == {3: epoch_metrics(3), 2: epoch_metrics(2)}
    assert store.events.epochs(TENANT, job.id, []) == {}
    assert store.events.epochs(TENANT, ABSENT, [1]) == {}


def test_retry_resumes_from_the_old_jobs_checkpoint(store: Store, driver: Driver) -> None:
    job, held = driver.start()
    driver.train(held, 2, checkpoints=True)
    driver.cancel(held)
    old = driver.read(job)
    new = store.jobs.submit(TENANT, resolved_request(), spec={}, retries=old, from_=old.checkpoint)
    assert (new.retry_of, new.status, new.progress.epoch) == (old.id, Status.QUEUED, 2)
    assert (new.checkpoint, kept(store, new), new.latest_metrics) == (stored_checkpoint(2), [2], epoch_metrics(2))
    assert (new.attempts, new.started_at) == ([], None)
    driver.train(driver.run(new), 3, checkpoints=True)
    assert (kept(store, new), kept(store, job), driver.read(new).progress.epoch) == ([2, 3], [2], 3)


def test_retry_from_a_mid_epoch_checkpoint_and_from_the_beginning(store: Store, driver: Driver) -> None:
    job, held = driver.start()
    driver.train(held, 1)
    store.attempts.checkpoint(held, stored_checkpoint(1, 6))
    old = driver.read(job)
    within = store.jobs.submit(TENANT, resolved_request(), spec={}, retries=old, from_=old.checkpoint)
    assert (within.checkpoint, kept(store, within), within.progress.epoch) == (stored_checkpoint(1, 6), [], 1)
    fresh = store.jobs.submit(TENANT, resolved_request(), spec={}, retries=old)
    assert (fresh.retry_of, fresh.checkpoint, fresh.progress.epoch) == (old.id, None, 0)
    assert fresh.latest_metrics is None


def test_checkpoints_are_deleted_with_their_job(store: Store, driver: Driver) -> None:
    job, held = driver.start()
    driver.train(held, 1, checkpoints=True)
    driver.cancel(held)
    store.jobs.delete(TENANT, job.id)
    assert store.redis.keys(f"*{job.id}*") == []
    assert store.jobs.checkpoints(TENANT, job.id) == []

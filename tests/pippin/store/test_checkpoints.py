from collections.abc import Callable

import pytest

from pippin.api.checkpoints import StoredCheckpoint
from pippin.api.jobs import Job
from pippin.api.metrics import EpochMetrics
from pippin.api.requests import ResolvedRequest
from pippin.api.states import Status
from pippin.store import Claim, LeaseLost, Store, WorkerReport, keys

TENANT = "default"
Submit = Callable[..., Job]
TakeJob = Callable[..., Claim]
Metrics = Callable[..., EpochMetrics]
Checkpoints = Callable[..., StoredCheckpoint]
Expire = Callable[[Job], None]


def read(store: Store, job: Job) -> Job:
    found = store.jobs.get(TENANT, job.id)
    assert found is not None
    return found


def kept(store: Store, job: Job) -> list[int]:
    return [found.epoch for found in store.jobs.checkpoints(TENANT, job.id)]


def epoch_and_checkpoint_events(store: Store, job: Job) -> list[tuple[str, object]]:
    """The checkpoints and epochs among the events."""
    events = store.events.all(TENANT, job.id)
    return [(event.type, event.data["epoch"]) for event in events if event.type in {"epoch", "checkpoint"}]


def losses(store: Store, job: Job) -> str | None:
    return store.redis.hget(keys.job(TENANT, job.id).job, "losses")


def test_an_epoch_and_its_checkpoint_are_recorded_together(
    store: Store, submit: Submit, running: TakeJob, metrics: Metrics, checkpoint: Checkpoints
) -> None:
    job = submit()
    held = running(job)
    store.attempts.epoch(held, metrics(1), checkpoint=checkpoint(1))
    store.attempts.epoch(held, metrics(2))
    assert store.jobs.checkpoints(TENANT, job.id) == [checkpoint(1)]
    assert read(store, job).checkpoint == checkpoint(1)
    assert epoch_and_checkpoint_events(store, job) == [("checkpoint", 1), ("epoch", 1), ("epoch", 2)]


def test_epoch_sent_twice_with_its_checkpoint_is_recorded_once(
    store: Store, submit: Submit, running: TakeJob, metrics: Metrics, checkpoint: Checkpoints
) -> None:
    job = submit()
    held = running(job)
    first = store.attempts.epoch(held, metrics(1), checkpoint=checkpoint(1))
    assert store.attempts.epoch(held, metrics(1), checkpoint=checkpoint(1)) == first
    assert epoch_and_checkpoint_events(store, job) == [("checkpoint", 1), ("epoch", 1)]


def test_only_the_newest_checkpoints_are_kept(
    store: Store, submit: Submit, running: TakeJob, metrics: Metrics, checkpoint: Checkpoints
) -> None:
    job = submit(epochs=12, checkpoint={"every_epochs": 1, "keep": 2})
    held = running(job)
    for epoch in range(8, 13):
        store.attempts.epoch(held, metrics(epoch), checkpoint=checkpoint(epoch))
    assert kept(store, job) == [11, 12]


def test_mid_epoch_checkpoint_is_the_newest_but_not_kept(
    store: Store, submit: Submit, running: TakeJob, metrics: Metrics, checkpoint: Checkpoints
) -> None:
    job = submit()
    held = running(job)
    store.attempts.epoch(held, metrics(1), checkpoint=checkpoint(1))
    store.attempts.checkpoint(held, checkpoint(1, 4))
    assert (read(store, job).checkpoint, kept(store, job)) == (checkpoint(1, 4), [1])
    store.attempts.epoch(held, metrics(2), checkpoint=checkpoint(2))
    assert (read(store, job).checkpoint, kept(store, job)) == (checkpoint(2), [1, 2])


@pytest.mark.parametrize("older", [(1, 0), (2, 0), (2, 4), (2, 5)])
def test_older_checkpoint_does_not_replace_a_newer_one(
    store: Store, submit: Submit, running: TakeJob, checkpoint: Checkpoints, older: tuple[int, int]
) -> None:
    job = submit()
    held = running(job)
    store.attempts.checkpoint(held, checkpoint(2, 5))
    store.attempts.checkpoint(held, checkpoint(*older))
    assert read(store, job).checkpoint == checkpoint(2, 5)
    assert len(epoch_and_checkpoint_events(store, job)) == 1


def test_lost_attempts_are_counted_since_the_last_new_checkpoint(
    store: Store, submit: Submit, running: TakeJob, expire: Expire, checkpoint: Checkpoints
) -> None:
    job = submit(max_attempts=2)
    for number in (1, 2, 3):
        held = running(job, number)
        store.attempts.checkpoint(held, checkpoint(0, number))
        assert losses(store, job) == "0"
        expire(job)
        assert store.reaping.requeue_lost(TENANT, job.id) is Status.QUEUED
    held = running(job, 4)
    store.attempts.checkpoint(held, checkpoint(0, 3))  # where it was already
    expire(job)
    assert store.reaping.requeue_lost(TENANT, job.id) is Status.FAILED


def test_attempt_without_its_lease_records_no_checkpoint(
    *, store: Store, submit: Submit, running: TakeJob, expire: Expire, metrics: Metrics, checkpoint: Checkpoints
) -> None:
    job = submit()
    zombie = running(job)
    expire(job)
    store.reaping.requeue_lost(TENANT, job.id)
    running(job, 2)
    for write in (
        lambda: store.attempts.checkpoint(zombie, checkpoint(0, 1)),
        lambda: store.attempts.epoch(zombie, metrics(1), checkpoint=checkpoint(1)),
        lambda: store.attempts.discard_checkpoint(zombie, checkpoint(1)),
    ):
        with pytest.raises(LeaseLost):
            write()
    assert (read(store, job).checkpoint, kept(store, job)) == (None, [])


def test_discarded_checkpoint_is_replaced_by_the_previous_one(
    store: Store, submit: Submit, running: TakeJob, metrics: Metrics, checkpoint: Checkpoints
) -> None:
    job = submit()
    held = running(job)
    for epoch in (1, 2):
        store.attempts.epoch(held, metrics(epoch), checkpoint=checkpoint(epoch))
    store.attempts.checkpoint(held, checkpoint(2, 9))
    assert store.attempts.discard_checkpoint(held, checkpoint(2, 9)) == checkpoint(2)
    assert store.attempts.discard_checkpoint(held, checkpoint(2)) == checkpoint(1)
    assert (read(store, job).checkpoint, kept(store, job)) == (checkpoint(1), [1])
    assert store.attempts.discard_checkpoint(held, checkpoint(2)) == checkpoint(1)  # sent again
    store.attempts.epoch(held, metrics(2), checkpoint=checkpoint(2))
    assert (read(store, job).checkpoint, kept(store, job)) == (checkpoint(2), [1, 2])
    assert [each for each in epoch_and_checkpoint_events(store, job) if each[0] == "epoch"] == [
        ("epoch", 1),
        ("epoch", 2),
    ]


def test_job_without_a_readable_checkpoint_restarts_on_any_engine(
    store: Store, submit: Submit, running: TakeJob, checkpoint: Checkpoints
) -> None:
    job = submit(engine="auto")
    held = running(job)
    store.attempts.checkpoint(held, checkpoint(0, 3))
    assert read(store, job).engines_left == ["jax"]
    assert store.attempts.discard_checkpoint(held, checkpoint(0, 3)) is None
    assert read(store, job).checkpoint is None
    assert read(store, job).engines_left == ["coreml", "jax"]
    store.attempts.checkpoint(held, checkpoint(0, 1))
    assert read(store, job).checkpoint == checkpoint(0, 1)


def test_job_with_a_checkpoint_stays_with_its_engine(
    *, store: Store, submit: Submit, running: TakeJob, expire: Expire, report: WorkerReport, checkpoint: Checkpoints
) -> None:
    bound, free = submit(engine="auto"), submit(engine="auto")
    for job in (bound, free):
        held = running(job)
        if job is bound:
            store.attempts.checkpoint(held, checkpoint(0, 3))
        expire(job)
        store.reaping.requeue_lost(TENANT, job.id)
    store.workers.heartbeat(report.model_copy(update={"engines": ["coreml"]}))
    assert store.reaping.move_stranded() == [(TENANT, free.id)]
    assert store.queues.waiting("pippin-jax") == [(bound.id, 2)]


def test_metrics_of_given_epochs_are_found(store: Store, submit: Submit, running: TakeJob, metrics: Metrics) -> None:
    job = submit()
    held = running(job)
    for epoch in (1, 2, 3):
        store.attempts.epoch(held, metrics(epoch))
    assert store.events.epochs(TENANT, job.id, [3, 2, 7]) == {3: metrics(3), 2: metrics(2)}
    assert store.events.epochs(TENANT, job.id, []) == {}
    assert store.events.epochs(TENANT, "job_" + "0" * 26, [1]) == {}


def test_retry_resumes_from_the_old_jobs_checkpoint(
    *,
    store: Store,
    submit: Submit,
    ask: Callable[..., ResolvedRequest],
    running: TakeJob,
    metrics: Metrics,
    checkpoint: Checkpoints,
) -> None:
    job = submit()
    held = running(job)
    store.attempts.epoch(held, metrics(2), checkpoint=checkpoint(2))
    store.jobs.cancel(TENANT, job.id)
    store.attempts.cancelled(held)
    old = read(store, job)
    new = store.jobs.submit(TENANT, ask(), spec={}, retries=old, from_=old.checkpoint)
    assert (new.retry_of, new.status, new.progress.epoch) == (old.id, Status.QUEUED, 2)
    assert (new.checkpoint, kept(store, new), new.latest_metrics) == (checkpoint(2), [2], metrics(2))
    assert (new.attempts, new.started_at) == ([], None)
    held = running(new)
    store.attempts.epoch(held, metrics(3), checkpoint=checkpoint(3))
    assert (kept(store, new), kept(store, job), read(store, new).progress.epoch) == ([2, 3], [2], 3)


def test_retry_from_a_mid_epoch_checkpoint_and_from_the_beginning(
    *,
    store: Store,
    submit: Submit,
    ask: Callable[..., ResolvedRequest],
    running: TakeJob,
    metrics: Metrics,
    checkpoint: Checkpoints,
) -> None:
    job = submit()
    held = running(job)
    store.attempts.epoch(held, metrics(1))
    store.attempts.checkpoint(held, checkpoint(1, 6))
    old = read(store, job)
    within = store.jobs.submit(TENANT, ask(), spec={}, retries=old, from_=old.checkpoint)
    assert (within.checkpoint, kept(store, within), within.progress.epoch) == (checkpoint(1, 6), [], 1)
    fresh = store.jobs.submit(TENANT, ask(), spec={}, retries=old)
    assert (fresh.retry_of, fresh.checkpoint, fresh.progress.epoch) == (old.id, None, 0)
    assert fresh.latest_metrics is None


def test_checkpoints_are_deleted_with_their_job(
    store: Store, submit: Submit, running: TakeJob, metrics: Metrics, checkpoint: Checkpoints
) -> None:
    job = submit()
    held = running(job)
    store.attempts.epoch(held, metrics(1), checkpoint=checkpoint(1))
    store.jobs.cancel(TENANT, job.id)
    store.attempts.cancelled(held)
    store.jobs.delete(TENANT, job.id)
    assert store.redis.keys(f"*{job.id}*") == []
    assert store.jobs.checkpoints(TENANT, job.id) == []

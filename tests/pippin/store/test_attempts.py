import math
from collections.abc import Callable
from contextlib import suppress
from functools import partial

import pytest

from pippin.api.jobs import Failure, Job
from pippin.api.metrics import BatchLosses, EpochMetrics
from pippin.api.states import Reason, Status
from pippin.store import Claim, Control, LeaseLost, NoSuchJob, Refused, Store, StoreLimits, keys, new_token
from pippin.store.attempts import LOG_LINE_CHARACTERS
from tests.pippin.store.driver import FAILURE, TENANT, Driver, at_once, trained_model
from tests.support.records import epoch_metrics


def test_claim_starts_the_attempt_and_its_lease(store: Store, driver: Driver) -> None:
    job = driver.submit(engine="auto")
    taken = store.attempts.claim(Claim(TENANT, job.id, 1, new_token()), worker="mac-1", engine="coreml")
    assert (taken.status, taken.engine) == (Status.STARTING, "coreml")
    assert taken.started_at is not None
    (attempt,) = taken.attempts
    assert (attempt.number, attempt.worker, attempt.engine) == (1, "mac-1", "coreml")
    assert (attempt.status, attempt.ended_at) == ("starting", None)
    lease_end = driver.lease_end(job)
    assert lease_end is not None
    assert 10 < lease_end / 1e6 - store.now() <= 20


def test_claim_sent_again_succeeds_and_changes_nothing(store: Store, driver: Driver) -> None:
    job = driver.submit()
    held = driver.claim(job)
    before = driver.read(job)
    assert store.attempts.claim(held, worker="worker-1", engine="jax") == before
    store.attempts.running(held)
    assert store.attempts.claim(held, worker="worker-1", engine="jax").status is Status.RUNNING


def test_held_job_cannot_be_claimed_again(driver: Driver) -> None:
    job = driver.submit()
    driver.claim(job)
    for number in (1, 2):
        with pytest.raises(Refused, match=f"attempt {number} of {job.id} cannot be claimed: the job is starting"):
            driver.claim(job, number)


@pytest.mark.parametrize("number", [0, 2])
def test_only_the_next_attempt_number_can_claim(driver: Driver, number: int) -> None:
    job = driver.submit()
    with pytest.raises(Refused, match="at attempt 1"):
        driver.claim(job, number)
    assert driver.status(job) is Status.QUEUED


def test_cancelled_or_deleted_job_cannot_be_claimed(store: Store, driver: Driver) -> None:
    job = driver.submit()
    for change, error, reason in (
        (store.jobs.cancel, Refused, "the job is cancelled"),
        (store.jobs.delete, NoSuchJob, job.id),
    ):
        change(TENANT, job.id)
        with pytest.raises(error, match=reason):
            driver.claim(job)
    assert store.jobs.get(TENANT, job.id) is None


def test_one_of_several_concurrent_claims_succeeds(store: Store, driver: Driver) -> None:
    def race(job: Job) -> Claim | None:
        with suppress(Refused):
            return driver.claim(job)
        return None

    for _ in range(5):
        job = driver.submit()
        (winner,) = filter(None, at_once(race, [job] * 8))
        assert store.attempts.renew(winner) is Control.CONTINUE
        assert len(driver.read(job).attempts) == 1


def test_renewal_prolongs_an_expired_lease(store: Store, driver: Driver) -> None:
    job = driver.submit()
    held = driver.claim(job)
    driver.expire(job)
    assert store.leases.expired() == [(TENANT, job.id)]
    assert store.attempts.renew(held) is Control.CONTINUE
    assert store.leases.expired() == []


def test_renewal_and_look_return_cancel_and_only_the_renewal_prolongs_the_lease(store: Store, driver: Driver) -> None:
    job, held = driver.start()
    assert store.attempts.read_control(held) is Control.CONTINUE
    store.jobs.cancel(TENANT, job.id)
    driver.expire(job)
    assert store.attempts.read_control(held) is Control.CANCEL
    assert driver.lease_end(job) == 1
    assert [store.attempts.renew(held) for _ in range(2)] == [Control.CANCEL] * 2
    lease_end = driver.lease_end(job)
    assert lease_end is not None
    assert lease_end > 1


@pytest.mark.parametrize(("seconds", "control"), [(3600, Control.CONTINUE), (1e-6, Control.TIMEOUT)])
def test_renewal_after_the_timeout_returns_timeout(
    store: Store, driver: Driver, seconds: float, control: Control
) -> None:
    _, held = driver.start(timeout_seconds=seconds)
    assert store.attempts.renew(held) is control


def test_timeout_counts_all_attempts(store: Store, driver: Driver) -> None:
    job, held = driver.start(timeout_seconds=100)
    attempts = keys.job(TENANT, job.id).attempts
    store.redis.hincrby(attempts, "1:elapsed", 60_000_000)
    assert store.attempts.renew(held) is Control.CONTINUE
    store.attempts.hand_back(held)
    held = driver.run(job, 2)
    assert store.attempts.renew(held) is Control.CONTINUE
    store.redis.hincrby(attempts, "2:elapsed", 60_000_000)
    assert store.attempts.renew(held) is Control.TIMEOUT


@pytest.mark.parametrize(
    ("change", "meanwhile", "end", "ended"),
    [("cancel", Status.CANCELLING, "cancelled", Status.CANCELLED), ("pause", Status.PAUSING, "paused", Status.PAUSED)],
)
def test_job_cancelled_or_paused_before_its_first_step_does_not_run(
    *, store: Store, driver: Driver, change: str, meanwhile: Status, end: str, ended: Status
) -> None:
    job = driver.submit()
    held = driver.claim(job)
    getattr(store.jobs, change)(TENANT, job.id)
    store.attempts.running(held)
    assert driver.status(job) is meanwhile
    getattr(store.attempts, end)(held)
    assert driver.status(job) is ended


def test_epoch_is_recorded_once(store: Store, driver: Driver) -> None:
    job, held = driver.start()
    first = store.attempts.epoch(held, epoch_metrics(1))
    assert store.attempts.epoch(held, epoch_metrics(1, loss=9.0)) == first
    second = store.attempts.epoch(held, epoch_metrics(2))
    recorded = {
        event.id: EpochMetrics.model_validate(event.data, strict=False) for event in driver.events(job, "epoch")
    }
    assert recorded == {first: epoch_metrics(1), second: epoch_metrics(2)}


def test_epoch_repeated_by_the_next_attempt_is_not_recorded_again(store: Store, driver: Driver) -> None:
    job, held = driver.start()
    first, second = (store.attempts.epoch(held, epoch_metrics(epoch)) for epoch in (1, 2))
    store.attempts.hand_back(held)
    held = driver.run(job, 2)
    assert store.attempts.epoch(held, epoch_metrics(1, attempt=2)) == first
    record = driver.read(job)
    assert (record.progress.epoch, record.latest_metrics) == (2, epoch_metrics(2))
    assert store.attempts.epoch(held, epoch_metrics(2, attempt=2)) == second
    store.attempts.epoch(held, epoch_metrics(3, attempt=2))
    assert driver.read(job).latest_metrics == epoch_metrics(3, attempt=2)


def test_mini_batch_losses_are_one_event_before_their_epoch(store: Store, driver: Driver) -> None:
    job, held = driver.start()
    for _ in range(2):
        store.attempts.epoch(held, epoch_metrics(1), BatchLosses.of([0.5, 1 / 3, math.nan, math.inf], 1000))
    store.attempts.epoch(held, epoch_metrics(2, loss=math.nan), BatchLosses.of([], 1000))
    events = driver.events(job, "batches", "epoch")
    assert [event.type for event in events] == ["batches", "epoch", "batches", "epoch"]
    losses = {"losses": [0.5, 0.333333333, None, None]}
    assert events[0].data == {"epoch": 1, "attempt": 1, "every": 1, "count": 4} | losses
    assert events[2].data["losses"] == []
    # A loss that is not finite is null.
    assert events[3].data["loss"] is None
    assert driver.read(job).latest_metrics == epoch_metrics(2, loss=None)


def test_log_lines_are_bounded_for_each_attempt(store: Store, driver: Driver) -> None:
    assert StoreLimits().log_lines == 1000
    store = Store(store.redis, limits=StoreLimits(log_lines=20))
    job, held = driver.start()
    for number in range(25):
        store.attempts.log(held, f"line {number}")
    *lines, last = driver.log_lines(job)
    assert lines == [f"line {number}" for number in range(20)]
    assert last == "More than 20 lines: further lines of this attempt are dropped."
    store.attempts.hand_back(held)
    store.attempts.log(driver.run(job, 2), "again")
    assert driver.events(job)[-1].data == {"line": "again", "attempt": 2}


def test_long_failure_reason_is_truncated(store: Store, driver: Driver) -> None:
    job, held = driver.start()
    store.attempts.fail(held, Failure(code=Reason.ENGINE_ERROR, detail="x" * 100_000))
    failed = driver.read(job)
    assert failed.reason is not None
    assert failed.reason.detail == "x" * 1999 + "…"
    assert failed.attempts[0].reason == failed.reason


def test_log_line_sent_twice_is_recorded_once_and_long_ones_are_cut(store: Store, driver: Driver) -> None:
    job, held = driver.start()
    for line_id in ("a", "a", "b"):
        store.attempts.log(held, 'said "é"\n', line_id=line_id)
    store.attempts.log(held, "x" * 9999)
    *lines, long = driver.log_lines(job)
    assert lines == ['said "é"\n'] * 2
    assert len(long) == LOG_LINE_CHARACTERS


def test_artifact_is_announced_once_and_replaced_by_a_later_one(store: Store, driver: Driver) -> None:
    job, held = driver.start()
    initial, later = (trained_model(job.id, variant="initial", bytes=size) for size in (5, 7))
    for artifact in (initial, initial, later):
        store.attempts.artifact(held, artifact)
    assert driver.read(job).artifacts == [later]
    announced = [event.data for event in driver.events(job, "artifact")]
    assert announced == [artifact.model_dump(mode="json") for artifact in (initial, later)]


def test_success_announces_the_trained_model_before_it_ends_the_job(store: Store, driver: Driver) -> None:
    job, held = driver.start()
    store.attempts.succeed(held, trained_model(job.id))
    *_, artifact, end = driver.events(job)
    assert artifact.data == trained_model(job.id).model_dump(mode="json")
    assert end.data == {"from": "running", "to": "succeeded", "attempt": 1, "reason": None}
    assert (artifact.is_last, end.is_last) == (False, True)


def end(store: Store, held: Claim, ending: str) -> None:
    """Record this ending of a running attempt."""
    arguments: dict[str, list[object]] = {"succeed": [trained_model(held.job_id)], "fail": [FAILURE]}
    getattr(store.attempts, ending)(held, *arguments.get(ending, []))


@pytest.mark.parametrize(
    ("change", "ending", "status", "attempt"),
    [
        (None, "succeed", Status.SUCCEEDED, "succeeded"),
        (None, "fail", Status.FAILED, "failed"),
        (None, "hand_back", Status.QUEUED, "handed_back"),
        ("cancel", "cancelled", Status.CANCELLED, "cancelled"),
        ("cancel", "fail", Status.CANCELLED, "cancelled"),
        ("cancel", "hand_back", Status.CANCELLED, "cancelled"),
        ("pause", "paused", Status.PAUSED, "paused"),
        ("pause", "hand_back", Status.PAUSED, "handed_back"),
        ("pause", "succeed", Status.SUCCEEDED, "succeeded"),
        ("pause", "fail", Status.FAILED, "failed"),
    ],
)
def test_ending_sets_the_status_and_can_be_sent_twice(
    *, store: Store, driver: Driver, change: str | None, ending: str, status: Status, attempt: str
) -> None:
    job, held = driver.start()
    if change:
        getattr(store.jobs, change)(TENANT, job.id)
    end(store, held, ending)
    ended, events = driver.read(job), driver.events(job)
    assert (ended.status, ended.attempts[0].status, driver.lease_end(job)) == (status, attempt, None)
    assert ended.reason == (FAILURE if status is Status.FAILED else None)
    assert driver.waiting() == ([(job.id, 2)] if status is Status.QUEUED else [])
    end(store, held, ending)
    assert (driver.read(job), driver.events(job)) == (ended, events)


def test_another_ending_than_the_first_is_refused(store: Store, driver: Driver) -> None:
    job, held = driver.start()
    store.attempts.fail(held, FAILURE)
    with pytest.raises(LeaseLost, match="the job is failed"):
        store.attempts.succeed(held, trained_model(job.id))
    ended = driver.read(job)
    assert (ended.status, ended.artifacts) == (Status.FAILED, [])


def test_success_while_cancelling_is_refused(store: Store, driver: Driver) -> None:
    job, held = driver.start()
    store.jobs.cancel(TENANT, job.id)
    with pytest.raises(Refused, match="the job is cancelling"):
        store.attempts.succeed(held, trained_model(job.id))
    store.attempts.cancelled(held)
    assert driver.read(job).artifacts == []


@pytest.mark.parametrize("ending", ["cancelled", "paused"])
def test_running_job_cannot_end_as_cancelled_or_paused_without_the_request(
    store: Store, driver: Driver, ending: str
) -> None:
    _, held = driver.start()
    with pytest.raises(Refused, match="the job is running"):
        end(store, held, ending)
    assert store.attempts.renew(held) is Control.CONTINUE


def test_hand_back_sent_again_does_not_end_the_next_attempt(store: Store, driver: Driver) -> None:
    job, held = driver.start()
    store.attempts.hand_back(held)
    driver.run(job, 2)
    store.attempts.hand_back(held)
    record = driver.read(job)
    assert (record.status, [each.status for each in record.attempts]) == (Status.RUNNING, ["handed_back", "running"])
    assert driver.waiting() == [(job.id, 2)]


def test_hand_back_does_not_count_as_a_lost_attempt(store: Store, driver: Driver) -> None:
    job = driver.submit(max_attempts=1)
    for number in range(1, 6):
        store.attempts.hand_back(driver.run(job, number))
    assert driver.status(job) is Status.QUEUED


def writes(store: Store, held: Claim, job: Job) -> list[Callable[[], object]]:
    """Everything that a worker may write for an attempt."""
    return [
        lambda: store.attempts.epoch(held, epoch_metrics(1)),
        lambda: store.attempts.artifact(held, trained_model(job.id)),
        lambda: store.attempts.renew(held),
        lambda: store.attempts.running(held),
        lambda: store.attempts.epoch(held, epoch_metrics(2)),
        lambda: store.attempts.log(held, "still here"),
        *(partial(end, store, held, ending) for ending in ("succeed", "fail", "cancelled", "hand_back")),
    ]


def test_attempt_that_lost_its_lease_cannot_write(store: Store, driver: Driver) -> None:
    job, stale = driver.start()
    for write in writes(store, stale, job)[:2]:
        write()
    assert driver.lose(job) is Status.QUEUED

    def expect_no_change() -> None:
        before = driver.read(job), driver.events(job), driver.waiting()
        for write in writes(store, stale, job):
            with pytest.raises(LeaseLost, match=f"attempt 1 no longer holds {job.id}"):
                write()
        with pytest.raises(LeaseLost):
            store.attempts.read_control(stale)
        assert store.reaping.report_lost(stale, FAILURE) is None
        with pytest.raises(Refused):
            store.attempts.claim(stale, worker="worker-1", engine="jax")
        assert (driver.read(job), driver.events(job), driver.waiting()) == before

    expect_no_change()
    successor = driver.run(job, 2)
    expect_no_change()
    store.attempts.fail(successor, FAILURE)
    expect_no_change()
    store.jobs.delete(TENANT, job.id)
    for write in writes(store, stale, job):
        with pytest.raises(LeaseLost, match="the job was deleted"):
            write()
    counted = {keys.TENANTS, keys.counters(TENANT), keys.RELEASED}
    assert {key for key in store.redis.keys("*") if not key.startswith("rq:")} == counted

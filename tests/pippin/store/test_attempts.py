import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from pippin.api.jobs import Artifact, Failure, Job
from pippin.api.metrics import BatchLosses, EpochMetrics
from pippin.api.states import Reason, Status
from pippin.store import Claim, Control, LeaseLost, NoSuchJob, Refused, Store, keys, new_token
from pippin.store.attempts import LOG_LINE_CHARACTERS

TENANT = "default"
Submit = Callable[..., Job]
TakeJob = Callable[..., Claim]
Metrics = Callable[..., EpochMetrics]
Trained = Callable[[Job], Artifact]
Expire = Callable[[Job], None]

FAILURE = Failure(code=Reason.ENGINE_ERROR, detail="The engine stopped.")


def read(store: Store, job: Job) -> Job:
    found = store.jobs.get(TENANT, job.id)
    assert found is not None
    return found


def lease_ends(store: Store, job: Job) -> float | None:
    score = store.redis.zscore(keys.LEASES, keys.member(TENANT, job.id))
    return None if score is None else float(str(score))


def test_a_claim_starts_the_attempt_and_its_lease(store: Store, submit: Submit) -> None:
    job = submit(engine="auto")
    held = Claim(TENANT, job.id, 1, new_token())
    taken = store.attempts.claim(held, worker="mac-1", engine="coreml")
    assert taken.status is Status.STARTING
    assert taken.engine == "coreml"
    assert taken.started_at is not None
    (attempt,) = taken.attempts
    assert (attempt.number, attempt.worker, attempt.engine) == (1, "mac-1", "coreml")
    assert (attempt.status, attempt.ended_at) == ("starting", None)
    seconds, _ = store.redis.time()
    assert 18 < (lease_ends(store, job) or 0) / 1e6 - seconds <= 21


def test_a_claim_sent_again_succeeds_and_changes_nothing(store: Store, submit: Submit, claim: TakeJob) -> None:
    job = submit()
    held = claim(job)
    before = read(store, job)
    assert store.attempts.claim(held, worker="worker-1", engine="jax") == before
    store.attempts.running(held)
    assert store.attempts.claim(held, worker="worker-1", engine="jax").status is Status.RUNNING


def test_held_job_cannot_be_claimed_again(submit: Submit, claim: TakeJob) -> None:
    job = submit()
    claim(job)
    for number in (1, 2):
        with pytest.raises(Refused, match=f"attempt {number} of {job.id} cannot be claimed: the job is starting"):
            claim(job, number)


@pytest.mark.parametrize("number", [0, 2])
def test_only_the_next_attempt_number_can_claim(store: Store, submit: Submit, claim: TakeJob, number: int) -> None:
    job = submit()
    with pytest.raises(Refused, match="at attempt 1"):
        claim(job, number)
    assert read(store, job).status is Status.QUEUED


def test_cancelled_or_deleted_job_cannot_be_claimed(store: Store, submit: Submit, claim: TakeJob) -> None:
    job = submit()
    store.jobs.cancel(TENANT, job.id)
    with pytest.raises(Refused, match="the job is cancelled"):
        claim(job)
    store.jobs.delete(TENANT, job.id)
    with pytest.raises(NoSuchJob):
        claim(job)
    assert store.jobs.get(TENANT, job.id) is None


def test_one_of_several_concurrent_claims_succeeds(store: Store, submit: Submit) -> None:
    start = threading.Barrier(8)

    def race(job: Job) -> Claim | None:
        held = Claim(TENANT, job.id, 1, new_token())
        start.wait()
        try:
            store.attempts.claim(held, worker="w", engine="jax")
        except Refused:
            return None
        return held

    with ThreadPoolExecutor(8) as pool:
        for _ in range(5):
            job = submit()
            winners = [held for held in pool.map(race, [job] * 8) if held]
            assert len(winners) == 1
            assert store.attempts.renew(winners[0]) is Control.CONTINUE
            assert len(read(store, job).attempts) == 1


def test_renewal_prolongs_an_expired_lease(store: Store, submit: Submit, claim: TakeJob, expire: Expire) -> None:
    job = submit()
    held = claim(job)
    expire(job)
    assert store.leases.expired() == [(TENANT, job.id)]
    assert store.attempts.renew(held) is Control.CONTINUE
    assert store.leases.expired() == []


def test_renewal_of_a_cancelled_job_returns_cancel(store: Store, submit: Submit, running: TakeJob) -> None:
    job = submit()
    held = running(job)
    store.jobs.cancel(TENANT, job.id)
    assert store.attempts.renew(held) is Control.CANCEL
    assert store.attempts.renew(held) is Control.CANCEL


def test_look_returns_cancel_and_does_not_prolong_the_lease(
    store: Store, submit: Submit, running: TakeJob, expire: Expire
) -> None:
    job = submit()
    held = running(job)
    assert store.attempts.read_control(held) is Control.CONTINUE
    store.jobs.cancel(TENANT, job.id)
    expire(job)
    assert store.attempts.read_control(held) is Control.CANCEL
    assert lease_ends(store, job) == 1


def test_renewal_after_the_timeout_returns_timeout(store: Store, submit: Submit, running: TakeJob) -> None:
    patient, hasty = submit(timeout_seconds=3600), submit(timeout_seconds=1e-6)
    assert store.attempts.renew(running(patient)) is Control.CONTINUE
    assert store.attempts.renew(running(hasty)) is Control.TIMEOUT


def test_timeout_counts_all_attempts(store: Store, submit: Submit, running: TakeJob) -> None:
    job = submit(timeout_seconds=100)
    of = keys.job(TENANT, job.id)
    held = running(job)
    store.redis.hincrby(of.attempts, "1:elapsed", 60_000_000)
    assert store.attempts.renew(held) is Control.CONTINUE
    store.attempts.hand_back(held)
    held = running(job, 2)
    assert store.attempts.renew(held) is Control.CONTINUE
    store.redis.hincrby(of.attempts, "2:elapsed", 60_000_000)
    assert store.attempts.renew(held) is Control.TIMEOUT


def test_a_job_cancelled_before_its_first_step_does_not_run(store: Store, submit: Submit, claim: TakeJob) -> None:
    job = submit()
    held = claim(job)
    store.jobs.cancel(TENANT, job.id)
    store.attempts.running(held)
    assert read(store, job).status is Status.CANCELLING
    store.attempts.cancelled(held)
    assert read(store, job).status is Status.CANCELLED


def test_an_epoch_is_recorded_once(store: Store, submit: Submit, running: TakeJob, metrics: Metrics) -> None:
    job = submit()
    held = running(job)
    first = store.attempts.epoch(held, metrics(1))
    assert store.attempts.epoch(held, metrics(1, loss=9.0)) == first
    second = store.attempts.epoch(held, metrics(2))
    assert second != first
    epochs = [event for event in store.events.read(TENANT, job.id) if event.type == "epoch"]
    assert [event.id for event in epochs] == [first, second]
    assert [EpochMetrics.model_validate(event.data, strict=False) for event in epochs] == [metrics(1), metrics(2)]


def test_epoch_repeated_by_the_next_attempt_is_not_recorded_again(
    store: Store, submit: Submit, running: TakeJob, metrics: Metrics
) -> None:
    job = submit()
    held = running(job)
    first, second = (store.attempts.epoch(held, metrics(epoch)) for epoch in (1, 2))
    store.attempts.hand_back(held)
    held = running(job, 2)
    assert store.attempts.epoch(held, metrics(1, attempt=2)) == first
    assert read(store, job).progress.epoch == 2
    assert read(store, job).latest_metrics == metrics(2)
    assert store.attempts.epoch(held, metrics(2, attempt=2)) == second
    store.attempts.epoch(held, metrics(3, attempt=2))
    assert read(store, job).latest_metrics == metrics(3, attempt=2)


def test_mini_batch_losses_are_one_event_before_their_epoch(
    store: Store, submit: Submit, running: TakeJob, metrics: Metrics
) -> None:
    job = submit()
    held = running(job)
    for _ in range(2):
        store.attempts.epoch(held, metrics(1), BatchLosses.of([0.5, 1 / 3, float("nan"), float("inf")], 1000))
    store.attempts.epoch(held, metrics(2), BatchLosses.of([], 1000))
    events = [event for event in store.events.read(TENANT, job.id) if event.type in {"batches", "epoch"}]
    assert [event.type for event in events] == ["batches", "epoch", "batches", "epoch"]
    assert events[0].data == {
        "epoch": 1,
        "attempt": 1,
        "every": 1,
        "count": 4,
        "losses": [0.5, 0.333333333, None, None],
    }
    assert events[2].data["losses"] == []


def test_non_finite_loss_is_recorded_as_null(store: Store, submit: Submit, running: TakeJob, metrics: Metrics) -> None:
    job = submit()
    store.attempts.epoch(running(job), metrics(1, loss=float("nan")))
    assert store.events.read(TENANT, job.id)[-1].data["loss"] is None
    assert read(store, job).latest_metrics == metrics(1, loss=None)


def test_log_lines_are_bounded_for_each_attempt(store: Store, submit: Submit, running: TakeJob) -> None:
    job = submit()
    held = running(job)
    for number in range(1005):
        store.attempts.log(held, f"line {number}")
    lines = [event.data["line"] for event in store.events.all(TENANT, job.id) if event.type == "log"]
    assert lines[:-1] == [f"line {number}" for number in range(1000)]
    assert lines[-1] == "More than 1000 lines: further lines of this attempt are dropped."
    store.attempts.hand_back(held)
    store.attempts.log(running(job, 2), "again")
    assert list(store.events.all(TENANT, job.id))[-1].data == {"line": "again", "attempt": 2}


def test_long_failure_reason_is_truncated(store: Store, submit: Submit, running: TakeJob) -> None:
    job = submit()
    store.attempts.fail(running(job), Failure(code=Reason.ENGINE_ERROR, detail="x" * 100_000))
    found = read(store, job)
    assert found.reason
    assert found.reason.detail == "x" * 1999 + "…"
    assert found.attempts[0].reason == found.reason


def test_log_line_sent_twice_is_recorded_once(store: Store, submit: Submit, running: TakeJob) -> None:
    job = submit()
    held = running(job)
    for line_id in ("a", "a", "b"):
        store.attempts.log(held, 'said "é"\n', line_id=line_id)
    store.attempts.log(held, "x" * 9999)
    lines = [event.data["line"] for event in store.events.read(TENANT, job.id) if event.type == "log"]
    assert lines[:2] == ['said "é"\n', 'said "é"\n']
    assert len(lines) == 3
    assert len(lines[2]) == LOG_LINE_CHARACTERS


def test_an_artifact_is_announced_once_and_replaced_by_a_later_one(
    store: Store, submit: Submit, running: TakeJob, trained: Trained
) -> None:
    job = submit()
    held = running(job)
    initial = trained(job).model_copy(update={"variant": "initial"})
    later = initial.model_copy(update={"bytes": 7})
    for artifact in (initial, initial, later):
        store.attempts.artifact(held, artifact)
    assert read(store, job).artifacts == [later]
    events = [event.data for event in store.events.read(TENANT, job.id) if event.type == "artifact"]
    assert events == [initial.model_dump(mode="json"), later.model_dump(mode="json")]


def test_success_announces_the_trained_model_before_it_ends_the_job(
    store: Store, submit: Submit, running: TakeJob, trained: Trained
) -> None:
    job = submit()
    held = running(job)
    store.attempts.succeed(held, trained(job))
    *_, artifact, end = store.events.read(TENANT, job.id)
    assert artifact.data == trained(job).model_dump(mode="json")
    assert end.data == {"from": "running", "to": "succeeded", "attempt": 1, "reason": None}
    assert end.is_last
    assert not artifact.is_last
    assert lease_ends(store, job) is None


@pytest.mark.parametrize("ending", ["succeed", "fail", "cancelled", "hand_back"])
def test_every_ending_is_idempotent(
    store: Store, submit: Submit, running: TakeJob, trained: Trained, ending: str
) -> None:
    job = submit()
    held = running(job)
    if ending == "cancelled":
        store.jobs.cancel(TENANT, job.id)

    def end() -> None:
        arguments = {"succeed": [trained(job)], "fail": [FAILURE]}.get(ending, [])
        getattr(store.attempts, ending)(held, *arguments)

    end()
    after, events = read(store, job), store.events.read(TENANT, job.id)
    end()
    assert read(store, job) == after
    assert store.events.read(TENANT, job.id) == events


def test_another_ending_than_the_first_is_refused(
    store: Store, submit: Submit, running: TakeJob, trained: Trained
) -> None:
    job = submit()
    held = running(job)
    store.attempts.fail(held, FAILURE)
    with pytest.raises(LeaseLost, match="the job is failed"):
        store.attempts.succeed(held, trained(job))
    assert read(store, job).status is Status.FAILED
    assert read(store, job).artifacts == []


def test_failure_while_cancelling_ends_as_cancelled(store: Store, submit: Submit, running: TakeJob) -> None:
    job = submit()
    held = running(job)
    store.jobs.cancel(TENANT, job.id)
    for _ in range(2):
        store.attempts.fail(held, FAILURE)
    ended = read(store, job)
    assert ended.status is Status.CANCELLED
    assert ended.reason is None
    assert ended.attempts[0].status == "cancelled"


def test_success_while_cancelling_is_refused(store: Store, submit: Submit, running: TakeJob, trained: Trained) -> None:
    job = submit()
    held = running(job)
    store.jobs.cancel(TENANT, job.id)
    with pytest.raises(Refused, match="the job is cancelling"):
        store.attempts.succeed(held, trained(job))
    store.attempts.cancelled(held)
    assert read(store, job).artifacts == []


def test_running_job_without_a_cancel_request_cannot_end_as_cancelled(
    store: Store, submit: Submit, running: TakeJob
) -> None:
    job = submit()
    held = running(job)
    with pytest.raises(Refused, match="the job is running"):
        store.attempts.cancelled(held)
    assert store.attempts.renew(held) is Control.CONTINUE


def test_handed_back_job_is_queued_for_its_next_attempt(store: Store, submit: Submit, running: TakeJob) -> None:
    job = submit()
    store.queues.withdraw("pippin-jax", job.id, 1)
    held = running(job)
    for _ in range(2):
        store.attempts.hand_back(held)
    back = read(store, job)
    assert back.status is Status.QUEUED
    assert back.attempts[0].status == "handed_back"
    assert store.queues.waiting("pippin-jax") == [(job.id, 2)]
    assert lease_ends(store, job) is None
    running(job, 2)
    assert [attempt.status for attempt in read(store, job).attempts] == ["handed_back", "running"]
    store.attempts.hand_back(held)
    assert read(store, job).status is Status.RUNNING
    assert store.queues.waiting("pippin-jax") == [(job.id, 2)]


def test_handed_back_cancelling_job_ends_as_cancelled(store: Store, submit: Submit, running: TakeJob) -> None:
    job = submit()
    store.queues.withdraw("pippin-jax", job.id, 1)
    held = running(job)
    store.jobs.cancel(TENANT, job.id)
    store.attempts.hand_back(held)
    assert read(store, job).status is Status.CANCELLED
    assert store.queues.waiting("pippin-jax") == []


def test_hand_back_does_not_count_as_a_lost_attempt(store: Store, submit: Submit, running: TakeJob) -> None:
    job = submit(max_attempts=1)
    for number in range(1, 6):
        store.attempts.hand_back(running(job, number))
    assert read(store, job).status is Status.QUEUED


@pytest.fixture
def writes(store: Store, metrics: Metrics, trained: Trained) -> Callable[[Claim, Job], list[Callable[[], object]]]:
    """Everything that a worker may write for an attempt."""
    return lambda held, job: [
        lambda: store.attempts.renew(held),
        lambda: store.attempts.running(held),
        lambda: store.attempts.epoch(held, metrics(1)),
        lambda: store.attempts.epoch(held, metrics(2)),
        lambda: store.attempts.log(held, "still here"),
        lambda: store.attempts.artifact(held, trained(job)),
        lambda: store.attempts.succeed(held, trained(job)),
        lambda: store.attempts.fail(held, FAILURE),
        lambda: store.attempts.cancelled(held),
        lambda: store.attempts.hand_back(held),
    ]


def test_a_zombie_cannot_write_after_its_lease_moved_on(
    store: Store,
    submit: Submit,
    running: TakeJob,
    expire: Expire,
    writes: Callable[[Claim, Job], list[Callable[[], object]]],
) -> None:
    job = submit()
    zombie = running(job)
    _, _, first_epoch, *_, artifact, _, _, _, _ = writes(zombie, job)
    first_epoch()
    artifact()
    expire(job)
    assert store.reaping.requeue_lost(TENANT, job.id) is Status.QUEUED

    def expect_harmless() -> None:
        before, events = read(store, job), store.events.read(TENANT, job.id)
        waiting = store.queues.waiting("pippin-jax")
        for write in writes(zombie, job):
            with pytest.raises(LeaseLost, match=f"attempt 1 no longer holds {job.id}"):
                write()
        with pytest.raises(LeaseLost):
            store.attempts.read_control(zombie)
        assert store.reaping.report_lost(zombie, FAILURE) is None
        with pytest.raises(Refused):
            store.attempts.claim(zombie, worker="worker-1", engine="jax")
        assert read(store, job) == before
        assert store.events.read(TENANT, job.id) == events
        assert store.queues.waiting("pippin-jax") == waiting

    expect_harmless()
    successor = running(job, 2)
    expect_harmless()
    store.attempts.fail(successor, FAILURE)
    expect_harmless()
    store.jobs.delete(TENANT, job.id)
    for write in writes(zombie, job):
        with pytest.raises(LeaseLost, match="the job was deleted"):
            write()
    counted = {keys.TENANTS, keys.counters(TENANT), keys.RELEASED}
    assert {key for key in store.redis.keys("*") if not key.startswith("rq:")} == counted

from collections.abc import Callable

import pytest

from pippin.api.jobs import Artifact, Failure, Job
from pippin.api.metrics import BatchLosses, EpochMetrics
from pippin.api.requests import ResolvedRequest
from pippin.api.states import Reason, Status
from pippin.store import Claim, Idempotency, NoSuchJob, Refused, Store, keys

TENANT = "default"
Submit = Callable[..., Job]
TakeJob = Callable[..., Claim]


def read(store: Store, job: Job) -> Job:
    found = store.jobs.get(TENANT, job.id)
    assert found is not None
    return found


def test_absent_job_is_not_found(store: Store) -> None:
    assert store.jobs.get(TENANT, "job_none") is None
    for ask in (store.jobs.spec, store.jobs.cancel, store.jobs.delete):
        with pytest.raises(NoSuchJob, match="there is no job job_none"):
            ask(TENANT, "job_none")


def test_queued_job_is_cancelled_at_once_and_leaves_the_queue(store: Store, submit: Submit) -> None:
    job = submit()
    cancelled = store.jobs.cancel(TENANT, job.id)
    assert cancelled.status is Status.CANCELLED
    assert cancelled.finished_at == cancelled.transitions[-1].at
    assert cancelled.waiting_for is None
    assert store.queues.waiting("pippin-jax") == []


def test_cancel_of_a_running_job_is_idempotent(store: Store, submit: Submit, running: TakeJob) -> None:
    job = submit()
    held = running(job)
    assert store.jobs.cancel(TENANT, job.id).status is Status.CANCELLING
    assert store.jobs.cancel(TENANT, job.id).status is Status.CANCELLING
    store.attempts.cancelled(held)
    ended = read(store, job)
    assert [move.to for move in ended.transitions] == [
        Status.QUEUED,
        Status.STARTING,
        Status.RUNNING,
        Status.CANCELLING,
        Status.CANCELLED,
    ]
    assert ended.attempts[0].status == "cancelled"


def test_an_ended_job_is_not_cancelled(store: Store, submit: Submit) -> None:
    job = submit()
    store.jobs.cancel(TENANT, job.id)
    with pytest.raises(Refused, match="it is cancelled"):
        store.jobs.cancel(TENANT, job.id)


def test_record_of_a_succeeded_job_reads_back(
    store: Store,
    submit: Submit,
    running: TakeJob,
    metrics: Callable[..., EpochMetrics],
    trained: Callable[[Job], Artifact],
) -> None:
    job = submit()
    held = running(job)
    for epoch in (1, 2, 3):
        store.attempts.epoch(held, metrics(epoch))
    store.attempts.succeed(held, trained(job))
    ended = read(store, job)
    assert ended.status is Status.SUCCEEDED
    assert ended.progress.epoch == 3
    assert ended.latest_metrics == metrics(3)
    assert ended.artifacts == [trained(job)]
    assert ended.attempts[0].status == "succeeded"
    assert ended.attempts[0].worker == "worker-1"
    assert ended.started_at == ended.attempts[0].started_at
    assert ended.finished_at == ended.attempts[0].ended_at
    assert Job.model_validate_json(ended.model_dump_json()) == ended


def test_failed_job_has_its_reason(store: Store, submit: Submit, running: TakeJob) -> None:
    job = submit()
    failure = Failure(code=Reason.DIVERGED, detail='The loss is not a number: "NaN".')
    store.attempts.fail(running(job), failure)
    ended = read(store, job)
    assert ended.status is Status.FAILED
    assert ended.reason == failure
    assert ended.attempts[0].reason == failure
    assert store.events.read(TENANT, job.id)[-1].data["reason"] == failure.model_dump(mode="json")


def test_only_an_ended_job_is_deleted(store: Store, submit: Submit, running: TakeJob) -> None:
    job = submit()
    with pytest.raises(Refused, match="it is queued; cancel it first"):
        store.jobs.delete(TENANT, job.id)
    running(job)
    with pytest.raises(Refused, match="it is running"):
        store.jobs.delete(TENANT, job.id)
    assert store.queues.waiting("pippin-jax") == [(job.id, 1)]


def test_deleted_job_leaves_only_counters(
    store: Store,
    ask: Callable[..., ResolvedRequest],
    running: TakeJob,
    metrics: Callable[..., EpochMetrics],
    trained: Callable[[Job], Artifact],
) -> None:
    job = store.jobs.submit(TENANT, ask(labels={"team": "vision"}), spec={}, idempotency=Idempotency("key", "body"))
    store.attempts.hand_back(running(job))
    held = running(job, 2)
    store.attempts.epoch(held, metrics(1), BatchLosses.of([0.5], 1000))
    store.attempts.log(held, "a line")
    artifact = trained(job)
    store.attempts.succeed(held, artifact)
    store.jobs.delete(TENANT, job.id)
    assert store.jobs.get(TENANT, job.id) is None
    assert store.events.read(TENANT, job.id) == []
    assert set(store.redis.keys("*")) == {"rq:queues", keys.TENANTS, keys.counters(TENANT), keys.RELEASED}
    assert store.released.take(10) == [artifact.digest]
    with pytest.raises(NoSuchJob):
        store.jobs.delete(TENANT, job.id)


def test_pages_run_from_the_newest_to_the_oldest(store: Store, submit: Submit) -> None:
    jobs = sorted(submit().id for _ in range(5))
    first = store.jobs.page(TENANT, limit=2)
    second = store.jobs.page(TENANT, limit=2, after=first.next)
    third = store.jobs.page(TENANT, limit=2, after=second.next)
    assert [job.id for page in (first, second, third) for job in page.items] == jobs[::-1]
    assert (first.has_more, second.has_more, third.has_more) == (True, True, False)
    assert store.jobs.page(TENANT, limit=5).next is None
    assert store.jobs.page("another").items == ()


def test_cursor_of_a_deleted_job_is_valid(store: Store, submit: Submit) -> None:
    jobs = sorted(submit().id for _ in range(3))
    cursor = store.jobs.page(TENANT, limit=1).next
    assert cursor == jobs[-1]
    store.jobs.cancel(TENANT, cursor)
    store.jobs.delete(TENANT, cursor)
    assert [job.id for job in store.jobs.page(TENANT, after=cursor).items] == jobs[1::-1]


def test_filters_combine(store: Store, submit: Submit) -> None:
    vision = submit(labels={"team": "vision", "stage": "test"})
    other = submit(labels={"team": "vision", "stage": "production"})
    submit(labels={"team": "sound", "stage": "test"})
    store.jobs.cancel(TENANT, other.id)

    def ids(**filters: object) -> set[str]:
        return {job.id for job in store.jobs.page(TENANT, **filters).items}  # type: ignore[arg-type]  # as received

    assert ids(labels={"team": "vision"}) == {vision.id, other.id}
    assert ids(labels={"team": "vision", "stage": "test"}) == {vision.id}
    assert ids(labels={"team": "vision"}, status=Status.CANCELLED) == {other.id}
    assert ids(labels={"team": "sound"}, status=Status.CANCELLED) == set()
    assert ids(labels={"team": "nobody"}) == set()
    assert ids(status=Status.QUEUED) == ids() - {other.id}


def test_labels_of_any_text_are_distinguished(store: Store, submit: Submit) -> None:
    first, second = submit(labels={"a=b": "c"}), submit(labels={"a": "b=c"})
    assert [job.id for job in store.jobs.page(TENANT, labels={"a=b": "c"}).items] == [first.id]
    assert [job.id for job in store.jobs.page(TENANT, labels={"a": "b=c"}).items] == [second.id]
    odd = submit(labels={"mark: *": "schön\n/"})
    assert [job.id for job in store.jobs.page(TENANT, labels={"mark: *": "schön\n/"}).items] == [odd.id]


@pytest.mark.full
def test_filtered_pages_cover_a_thousand_jobs(store: Store, submit: Submit) -> None:
    wanted = []
    for number in range(1000):
        job = submit(labels={"third": str(number % 3), "tenth": str(number % 10)})
        if number % 30 == 0:
            wanted.append(job.id)
    found: list[str] = []
    cursor = None
    while True:
        page = store.jobs.page(TENANT, labels={"third": "0", "tenth": "0"}, after=cursor, limit=10)
        found += [job.id for job in page.items]
        cursor = page.next
        if cursor is None:
            break
    assert found == sorted(wanted, reverse=True)
    assert len(store.jobs.page(TENANT, limit=1000).items) == 1000

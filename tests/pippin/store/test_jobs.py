import pytest

from pippin.api.jobs import Failure, Job
from pippin.api.metrics import BatchLosses
from pippin.api.states import Reason, Status
from pippin.store import Idempotency, NoSuchJob, Refused, Store, keys
from tests.pippin.store.driver import ABSENT, TENANT, Driver, trained_model
from tests.support.records import epoch_metrics


def test_absent_job_is_not_found(store: Store) -> None:
    jobs = store.jobs
    assert jobs.get(TENANT, ABSENT) is None
    for change in (jobs.spec, jobs.cancel, jobs.delete, jobs.pause, jobs.resume):
        with pytest.raises(NoSuchJob, match=f"there is no job {ABSENT}"):
            change(TENANT, ABSENT)


def test_queued_job_is_cancelled_at_once_and_leaves_the_queue(store: Store, driver: Driver) -> None:
    job = driver.submit()
    cancelled = store.jobs.cancel(TENANT, job.id)
    assert (cancelled.status, cancelled.waiting_for) == (Status.CANCELLED, None)
    assert cancelled.finished_at == cancelled.transitions[-1].at
    assert driver.waiting() == []
    with pytest.raises(Refused, match="it is cancelled"):
        store.jobs.cancel(TENANT, job.id)


def test_cancel_of_a_running_job_is_idempotent(store: Store, driver: Driver) -> None:
    job, held = driver.start()
    for _ in range(2):
        assert store.jobs.cancel(TENANT, job.id).status is Status.CANCELLING
    store.attempts.cancelled(held)
    moves = [move.to for move in driver.read(job).transitions]
    assert moves == ["queued", "starting", "running", "cancelling", "cancelled"]


def test_record_of_a_succeeded_job_reads_back(driver: Driver) -> None:
    job, held = driver.start()
    driver.train(held, 1, 2, 3, succeed=True)
    ended = driver.read(job)
    assert (ended.status, ended.progress.epoch, ended.latest_metrics) == (Status.SUCCEEDED, 3, epoch_metrics(3))
    assert ended.artifacts == [trained_model(job.id)]
    (attempt,) = ended.attempts
    assert (attempt.status, attempt.worker) == ("succeeded", "worker-1")
    assert (attempt.started_at, attempt.ended_at) == (ended.started_at, ended.finished_at)
    assert Job.model_validate_json(ended.model_dump_json()) == ended


def test_failed_job_has_its_reason(store: Store, driver: Driver) -> None:
    job, held = driver.start()
    failure = Failure(code=Reason.DIVERGED, detail='The loss is not a number: "NaN".')
    store.attempts.fail(held, failure)
    ended = driver.read(job)
    assert (ended.status, ended.reason, ended.attempts[0].reason) == (Status.FAILED, failure, failure)
    assert driver.events(job)[-1].data["reason"] == failure.model_dump(mode="json")


def test_only_an_ended_job_is_deleted(store: Store, driver: Driver) -> None:
    job = driver.submit()
    with pytest.raises(Refused, match="it is queued; cancel it first"):
        store.jobs.delete(TENANT, job.id)
    driver.run(job)
    with pytest.raises(Refused, match="it is running"):
        store.jobs.delete(TENANT, job.id)
    assert driver.waiting() == [(job.id, 1)]


def test_deleted_job_leaves_only_counters(store: Store, driver: Driver) -> None:
    job = driver.submit(labels={"team": "vision"}, idempotency=Idempotency("key", "body"))
    store.attempts.hand_back(driver.run(job))
    held = driver.run(job, 2)
    store.attempts.epoch(held, epoch_metrics(1), BatchLosses.of([0.5], 1000))
    store.attempts.log(held, "a line")
    driver.train(held, succeed=True)
    store.jobs.delete(TENANT, job.id)
    assert (store.jobs.get(TENANT, job.id), driver.events(job)) == (None, [])
    assert set(store.redis.keys("*")) == {"rq:queues", keys.TENANTS, keys.counters(TENANT), keys.RELEASED}
    assert store.released.take(10) == [trained_model(job.id).digest]
    with pytest.raises(NoSuchJob):
        store.jobs.delete(TENANT, job.id)


def test_pages_run_from_the_newest_to_the_oldest(store: Store, driver: Driver) -> None:
    jobs = sorted(driver.submit().id for _ in range(5))
    pages = [store.jobs.page(TENANT, limit=2)]
    while pages[-1].has_more:
        pages.append(store.jobs.page(TENANT, limit=2, after=pages[-1].next))
    assert [[job.id for job in page.items] for page in pages] == [jobs[:2:-1], jobs[2:0:-1], jobs[:1]]
    assert store.jobs.page(TENANT, limit=5).next is None
    assert store.jobs.page("another").items == ()


def test_cursor_of_a_deleted_job_is_valid(store: Store, driver: Driver) -> None:
    jobs = sorted(driver.submit().id for _ in range(3))
    cursor = store.jobs.page(TENANT, limit=1).next
    assert cursor == jobs[-1]
    store.jobs.cancel(TENANT, cursor)
    store.jobs.delete(TENANT, cursor)
    assert [job.id for job in store.jobs.page(TENANT, after=cursor).items] == jobs[1::-1]


def test_filters_combine(store: Store, driver: Driver) -> None:
    vision = driver.submit(labels={"team": "vision", "stage": "test"})
    other = driver.submit(labels={"team": "vision", "stage": "production"})
    driver.submit(labels={"team": "sound", "stage": "test"})
    store.jobs.cancel(TENANT, other.id)

    def ids(status: Status | None = None, **labels: str) -> set[str]:
        return {job.id for job in store.jobs.page(TENANT, status=status, labels=labels).items}

    assert ids(team="vision") == {vision.id, other.id}
    assert ids(team="vision", stage="test") == {vision.id}
    assert ids(Status.CANCELLED, team="vision") == {other.id}
    assert ids(Status.CANCELLED, team="sound") == ids(team="absent") == set()
    assert ids(Status.QUEUED) == ids() - {other.id}


def test_labels_of_any_text_are_distinguished(store: Store, driver: Driver) -> None:
    labelled = [{"a=b": "c"}, {"a": "b=c"}, {"mark: *": "schön\n/"}]
    jobs = [driver.submit(labels=labels) for labels in labelled]
    for job, labels in zip(jobs, labelled, strict=True):
        assert [listed.id for listed in store.jobs.page(TENANT, labels=labels).items] == [job.id]


def test_filtered_pages_cover_all_chunks_of_the_listing(
    store: Store, driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pippin.store.listing._CHUNK", 20)
    jobs = [driver.submit(labels={"third": str(n % 3), "tenth": str(n % 10)}).id for n in range(100)]
    labels = {"third": "0", "tenth": "0"}
    pages = [store.jobs.page(TENANT, labels=labels, limit=3)]
    while pages[-1].next:
        pages.append(store.jobs.page(TENANT, labels=labels, limit=3, after=pages[-1].next))
    assert [job.id for page in pages for job in page.items] == sorted(jobs[::30], reverse=True)
    assert len(store.jobs.page(TENANT, limit=100).items) == 100

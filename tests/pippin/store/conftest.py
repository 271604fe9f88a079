"""Jobs for the store's tests, and fixtures that change their state."""

from collections.abc import Callable

import pytest

from pippin.api.checkpoints import StoredCheckpoint
from pippin.api.jobs import Artifact, Job
from pippin.api.metrics import EpochMetrics
from pippin.api.requests import ResolvedRequest
from pippin.store import Claim, Store, WorkerReport, keys, new_token
from tests.support.records import epoch_metrics, resolved_request, stored_checkpoint, worker_report

TENANT = "default"


@pytest.fixture
def ask() -> Callable[..., ResolvedRequest]:
    """A resolved request; keywords replace its fields."""

    def make(*, epochs: int = 3, **fields: object) -> ResolvedRequest:
        usual = {"mini_batch_size": 128, "learning_rate": 0.001, "shuffle": True, "seed": 7}
        return resolved_request(**{"hyperparameters": {"epochs": epochs} | usual} | fields)

    return make


@pytest.fixture
def submit(store: Store, ask: Callable[..., ResolvedRequest]) -> Callable[..., Job]:
    """Submits a job; keywords replace the request's fields."""
    return lambda **fields: store.jobs.submit(TENANT, ask(**fields), spec={"layers": []})


@pytest.fixture
def claim(store: Store) -> Callable[..., Claim]:
    """Claims a job's next attempt."""

    def take(job: Job, number: int = 1) -> Claim:
        taken = Claim(TENANT, job.id, number, new_token())
        store.attempts.claim(taken, worker=f"worker-{number}", engine="jax")
        return taken

    return take


@pytest.fixture
def running(store: Store, claim: Callable[..., Claim]) -> Callable[..., Claim]:
    """Claims a job's next attempt and records that it trains."""

    def take(job: Job, number: int = 1) -> Claim:
        taken = claim(job, number)
        store.attempts.running(taken)
        return taken

    return take


@pytest.fixture
def expire(store: Store) -> Callable[[Job], None]:
    """Lets a job's lease run out now."""
    return lambda job: store.redis.zadd(keys.LEASES, {keys.member(TENANT, job.id): 1}, xx=True)


@pytest.fixture
def metrics() -> Callable[..., EpochMetrics]:
    """The metrics of an epoch."""

    def make(epoch: int, *, attempt: int = 1, loss: float | None = 0.5) -> EpochMetrics:
        return epoch_metrics(epoch, attempt=attempt, loss=loss, validation_accuracy=0.75, seconds=1.5)

    return make


@pytest.fixture
def checkpoint() -> Callable[..., StoredCheckpoint]:
    """A checkpoint after so many epochs and mini-batches; the same one for the same place."""

    def make(epoch: int, step: int = 0) -> StoredCheckpoint:
        return stored_checkpoint(epoch, step)

    return make


@pytest.fixture
def trained() -> Callable[[Job], Artifact]:
    """The trained model of a job."""
    return lambda job: Artifact(
        variant="trained", digest="sha256:" + "1" * 64, bytes=2344526, url=f"/jobs/{job.id}/model?variant=trained"
    )


@pytest.fixture
def report() -> WorkerReport:
    """A worker's report about itself."""
    return worker_report()

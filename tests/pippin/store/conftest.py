"""Jobs to put into the store, and short ways to move them on."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from pippin.api.checkpoints import StoredCheckpoint
from pippin.api.jobs import Artifact, Job
from pippin.api.metrics import EpochMetrics
from pippin.api.requests import ResolvedRequest
from pippin.store import Claim, Store, WorkerReport, keys, new_token

TENANT = "default"


@pytest.fixture
def ask() -> Callable[..., ResolvedRequest]:
    """A resolved request; keywords replace its fields."""

    def make(*, epochs: int = 3, **fields: object) -> ResolvedRequest:
        document = {
            "name": "digits",
            "model": {"preset": "mnist-cnn"},
            "dataset": {
                "id": "ds_1",
                "name": "mnist-sample",
                "digest": "sha256:" + "0" * 64,
                "train": "train",
                "validation": "test",
                "validation_fraction": None,
                "bind": {"image": "image"},
            },
            "hyperparameters": {
                "epochs": epochs,
                "mini_batch_size": 128,
                "learning_rate": 0.001,
                "shuffle": True,
                "seed": 7,
            },
            "limits": "enforce",
            "engine": "jax",
            "compute_units": "all",
            "report": "epoch",
            "max_attempts": 3,
            "timeout_seconds": None,
            "labels": {},
        }
        return ResolvedRequest.model_validate(document | fields)

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
    """Claims a job's next attempt and says that it trains."""

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
        return EpochMetrics(
            epoch=epoch,
            epochs=3,
            loss=loss,
            validation_loss=0.25,
            validation_accuracy=0.75,
            examples_per_second=1000,
            seconds=1.5,
            learning_rate=0.001,
            engine="jax",
            attempt=attempt,
            time=datetime(2026, 11, 24, tzinfo=UTC),
        )

    return make


@pytest.fixture
def checkpoint() -> Callable[..., StoredCheckpoint]:
    """A checkpoint after so many epochs and mini-batches; the same one for the same place."""

    def make(epoch: int, step: int = 0) -> StoredCheckpoint:
        return StoredCheckpoint(
            epoch=epoch,
            step=step,
            engine="jax",
            digest=f"sha256:{epoch:032x}{step:032x}",
            bytes=7033312,
            created_at=datetime(2026, 11, 24, tzinfo=UTC),
        )

    return make


@pytest.fixture
def trained() -> Callable[[Job], Artifact]:
    """The trained model of a job."""
    return lambda job: Artifact(
        variant="trained", digest="sha256:" + "1" * 64, bytes=2344526, url=f"/jobs/{job.id}/model?variant=trained"
    )


@pytest.fixture
def report() -> WorkerReport:
    """What a worker says about itself."""
    return WorkerReport(
        name="mac-1",
        host="mac.local",
        os="macOS 26.1",
        chip="Apple M4",
        engines=["jax"],
        state="idle",
        current_job=None,
        pid=4711,
        started_at=datetime(2026, 11, 24, tzinfo=UTC),
    )

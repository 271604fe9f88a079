"""Records with usual values; keywords replace fields."""

from datetime import UTC, datetime

from pippin.api.checkpoints import StoredCheckpoint
from pippin.api.datasets import Feature, Split, StoredManifest
from pippin.api.metrics import EpochMetrics
from pippin.api.requests import ResolvedRequest
from pippin.api.workers import WorkerReport
from pippin.ids import new_id

TIME = datetime(2026, 11, 24, 12, tzinfo=UTC)
DIGEST = "sha256:" + "0" * 64


def epoch_metrics(epoch: int = 1, **fields: object) -> EpochMetrics:
    """The metrics of an epoch of three."""
    usual = {
        "epoch": epoch,
        "epochs": 3,
        "loss": 0.5,
        "validation_loss": 0.25,
        "validation_accuracy": 0.875,
        "examples_per_second": 1000,
        "seconds": 0.125,
        "learning_rate": 0.001,
        "engine": "jax",
        "attempt": 1,
        "time": TIME,
    }
    return EpochMetrics.model_validate(usual | fields)


def stored_checkpoint(epoch: int = 1, step: int = 0, **fields: object) -> StoredCheckpoint:
    """A checkpoint after so many epochs and mini-batches; its digest names them."""
    usual = {
        "epoch": epoch,
        "step": step,
        "engine": "jax",
        "digest": f"sha256:{epoch:032x}{step:032x}",
        "bytes": 7_033_312,
        "created_at": TIME,
    }
    return StoredCheckpoint.model_validate(usual | fields)


def stored_manifest(name: str | None = "digits", **fields: object) -> StoredManifest:
    """The manifest of a dataset; a new id for each."""
    usual: dict[str, object] = {
        "id": new_id("ds"),
        "name": name,
        "format": "csv",
        "digest": DIGEST,
        "bytes": 100,
        "features": [Feature(name="x", shape=(4,), dtype="float32")],
        "splits": [Split(name="train", examples=10)],
        "labels": None,
        "created_at": TIME,
        "ranges": {},
    }
    return StoredManifest.model_validate(usual | fields)


def worker_report(**fields: object) -> WorkerReport:
    """What an idle worker says about itself."""
    usual = {
        "name": "mac-1",
        "host": "mac.local",
        "os": "macOS 26.1",
        "chip": "Apple M4",
        "engines": ["jax"],
        "state": "idle",
        "current_job": None,
        "pid": 4711,
        "started_at": TIME,
    }
    return WorkerReport.model_validate(usual | fields)


def resolved_request(**fields: object) -> ResolvedRequest:
    """A job's request as the service resolved it: three epochs of the preset `mnist-cnn`."""
    usual = {
        "name": "digits",
        "model": {"preset": "mnist-cnn"},
        "dataset": {
            "id": "ds_1",
            "name": "mnist-sample",
            "digest": DIGEST,
            "train": "train",
            "validation": "test",
            "validation_fraction": None,
            "bind": {"image": "image"},
        },
        "hyperparameters": {
            "epochs": 3,
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
    return ResolvedRequest.model_validate(usual | fields)

"""Examples of bodies and answers, for the OpenAPI document."""

from typing import Any

from pippin.models.spec.presets import preset

_JOB_ID = "job_01k9x2m4v8q0r7tz3yhc5d6wbe"
_DATASET_ID = "ds_01k9x2kz1w6y4n8v5s3r2q7t0m"
_MODEL_ID = "model_01k9x2m0c4s7d9f1g3h5j8k2q6"
_DIGEST = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

_METRICS: dict[str, Any] = {
    "epoch": 1,
    "epochs": 5,
    "loss": 0.412,
    "validation_loss": 0.201,
    "validation_accuracy": 0.941,
    "examples_per_second": 9120.0,
    "seconds": 1.1,
    "learning_rate": 0.001,
    "engine": "jax",
    "attempt": 1,
    "time": "2026-11-23T12:00:04Z",
    "diverged": False,
}

_MANIFEST: dict[str, Any] = {
    "id": _DATASET_ID,
    "name": "mnist-sample",
    "format": "idx",
    "digest": _DIGEST,
    "bytes": 9456272,
    "features": [
        {"name": "image", "shape": [1, 28, 28], "dtype": "uint8", "scale": 0.00392156862745098},
        {"name": "label", "shape": [1], "dtype": "int32", "scale": 1.0},
    ],
    "splits": [{"name": "train", "examples": 10000}, {"name": "test", "examples": 2000}],
    "labels": None,
    "created_at": "2026-11-23T11:58:00Z",
}

_JOB: dict[str, Any] = {
    "id": _JOB_ID,
    "name": "mnist",
    "status": "running",
    "reason": None,
    "engine": "jax",
    "labels": {"team": "vision"},
    "request": {
        "name": "mnist",
        "model": {
            "preset": "mnist-cnn",
            "spec": None,
            "swiftcoremltools": None,
            "id": None,
            "job": None,
            "digest": None,
            "name": None,
        },
        "dataset": {
            "id": _DATASET_ID,
            "name": "mnist-sample",
            "digest": _DIGEST,
            "train": "train",
            "validation": "test",
            "validation_fraction": None,
            "bind": {"image": "image", "output_true": "label"},
            "classes": None,
        },
        "hyperparameters": {
            "epochs": 5,
            "mini_batch_size": 128,
            "learning_rate": 0.001,
            "momentum": None,
            "beta1": 0.9,
            "beta2": 0.999,
            "eps": 1e-8,
            "number_of_neighbors": None,
            "shuffle": True,
            "seed": 7,
        },
        "limits": "enforce",
        "widened": [],
        "engine": "auto",
        "engines": ["coreml", "jax"],
        "compute_units": "all",
        "report": "epoch",
        "checkpoint": {"every_epochs": 1, "keep": 3},
        "max_attempts": 3,
        "timeout_seconds": None,
        "labels": {"team": "vision"},
    },
    "created_at": "2026-11-23T12:00:00Z",
    "started_at": "2026-11-23T12:00:01Z",
    "finished_at": None,
    "retry_of": None,
    "progress": {"epoch": 1, "epochs": 5},
    "latest_metrics": _METRICS,
    "waiting_for": None,
    "notice": None,
    "checkpoint": {
        "epoch": 1,
        "step": 0,
        "engine": "jax",
        "digest": _DIGEST,
        "bytes": 7033312,
        "created_at": "2026-11-23T12:00:04Z",
    },
    "attempts": [
        {
            "number": 1,
            "worker": "laptop-4f1c",
            "engine": "jax",
            "status": "running",
            "reason": None,
            "resumed_from": None,
            "started_at": "2026-11-23T12:00:01Z",
            "ended_at": None,
        }
    ],
    "transitions": [
        {"from": None, "to": "queued", "at": "2026-11-23T12:00:00Z"},
        {"from": "queued", "to": "starting", "at": "2026-11-23T12:00:01Z"},
        {"from": "starting", "to": "running", "at": "2026-11-23T12:00:03Z"},
    ],
    "artifacts": [
        {"variant": "initial", "digest": _DIGEST, "bytes": 2344526, "url": f"/jobs/{_JOB_ID}/model?variant=initial"}
    ],
}

_MODEL: dict[str, Any] = {
    "id": _MODEL_ID,
    "name": "prices",
    "source": "mlmodel",
    "digest": _DIGEST,
    "bytes": 601,
    "model": {
        "kind": "neural_network",
        "inputs": [{"name": "flat", "shape": [2], "type": "float", "color": None}],
        "outputs": [{"name": "price", "shape": [1], "type": "float", "color": None}],
        "layers": [
            {
                "name": "dense",
                "type": "inner_product",
                "inputs": ["flat"],
                "outputs": ["price"],
                "output_shapes": [[1]],
                "weight_shapes": {"weights": [1, 2], "bias": [1]},
                "parameter_count": 3,
                "updatable": True,
            }
        ],
        "parameter_count": 3,
        "labels": None,
        "training_inputs": [
            {"name": "flat", "shape": [2], "type": "float", "color": None},
            {"name": "price_true", "shape": [1], "type": "float", "color": None},
        ],
        "loss": "mean_squared_error",
        "optimizer": "sgd",
        "hyperparameters": {
            "epochs": {"default": 10, "minimum": 1, "maximum": 1000, "allowed": None},
            "learning_rate": {"default": 0.01, "minimum": 0.0, "maximum": 1.0, "allowed": None},
            "mini_batch_size": {"default": 16, "minimum": None, "maximum": None, "allowed": [16, 32]},
        },
        "findings": [],
    },
    "findings": [],
    "created_at": "2026-11-23T11:59:00Z",
}

EXAMPLES: dict[str, Any] = {
    "JobRequest": {
        "model": {"preset": "mnist-cnn"},
        "dataset": "mnist-sample",
        "hyperparameters": {"epochs": 5, "learning_rate": 0.001},
    },
    "RetryRequest": {"from_checkpoint": True},
    "ModelSpec": preset("mnist-cnn"),
    "Job": _JOB,
    "JobPage": {"data": [_JOB], "has_more": True, "next": _JOB_ID},
    "CheckpointList": {
        "data": [
            {
                "epoch": 1,
                "engine": "jax",
                "bytes": 7033312,
                "created_at": "2026-11-23T12:00:04Z",
                "url": f"/jobs/{_JOB_ID}/checkpoints/1/model",
                "metrics": _METRICS,
            }
        ]
    },
    "EpochMetrics": _METRICS,
    "JobMetrics": {"job": _JOB_ID, "status": "running", "data": [_METRICS], "has_more": False, "next": None},
    "JobEvents": {
        "job": _JOB_ID,
        "status": "running",
        "data": [
            {
                "id": "1795435203000-0",
                "type": "state",
                "time": "2026-11-23T12:00:03.000Z",
                "data": {"from": "starting", "to": "running", "attempt": 1, "reason": None},
            }
        ],
        "has_more": False,
        "next": None,
    },
    "Manifest": _MANIFEST,
    "ModelRecord": _MODEL,
    "ModelPage": {"data": [_MODEL], "has_more": False, "next": None},
    "DatasetPage": {"data": [_MANIFEST], "has_more": False, "next": None},
    "Preview": {
        "dataset": _DATASET_ID,
        "split": "train",
        "examples": [{"size": [10.0, 2.0], "price": [0.5]}],
        "truncated": [],
    },
    "ClassBalance": {
        "dataset": _DATASET_ID,
        "feature": "label",
        "splits": {"train": [{"label": "cat", "examples": 812}, {"label": "dog", "examples": 794}]},
    },
    "PresetList": {"data": [{"name": "prices", "model": _MODEL["model"]}]},
    "DrainRequest": {"hand_back": True},
    "EvaluationRequest": {"dataset": "mnist-sample", "split": "test", "max_examples": 1000},
    "Prediction": {
        "outputs": {"color": ["red"], "color_probability": [{"red": 0.75, "blue": 0.25}]},
        "labels": ["red", "blue"],
        "top": [[{"label": "red", "probability": 0.75}, {"label": "blue", "probability": 0.25}]],
    },
    "EvaluationReport": {
        "loss": 0.201,
        "accuracy": 0.75,
        "examples": 4,
        "confusion": {"labels": ["red", "blue"], "matrix": [[2, 0], [1, 1]]},
        "worst": [{"row": 3, "label": "blue", "predicted": "red", "probability": 0.5625}],
        "dataset": _DATASET_ID,
        "split": "test",
        "seconds": 0.02,
    },
    "WorkerList": {
        "data": [
            {
                "name": "laptop-4f1c",
                "host": "laptop",
                "os": "macOS 26.1",
                "chip": "Apple M4",
                "engines": ["coreml"],
                "compute_units": ["all", "cpu_only", "cpu_and_gpu", "cpu_and_neural_engine"],
                "state": "busy",
                "current_job": _JOB_ID,
                "pid": 4711,
                "started_at": "2026-11-23T08:00:00Z",
                "last_heartbeat": "2026-11-23T12:00:04Z",
            }
        ]
    },
    "Problem": {
        "type": "/problems/invalid-request",
        "title": "The request is not valid",
        "status": 422,
        "detail": "The request has 1 fault; see errors.",
        "instance": "/jobs",
        "errors": [
            {
                "pointer": "/hyperparameters/learning_rate",
                "detail": 'found 7; needs a value from 0.0 to 0.3, or "limits": "widen"',
            }
        ],
    },
}
"""The name of a schema -> an example of it."""

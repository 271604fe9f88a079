"""The jobs that faults hit: a model of one layer on a few hundred points."""

from pathlib import Path
from typing import Any

import numpy as np

_SPEC: dict[str, Any] = {
    "inputs": [{"name": "x", "shape": [4]}],
    "outputs": [{"name": "y", "shape": [3]}],
    "layers": [
        {"type": "inner_product", "name": "dense", "output_channels": 3, "updatable": True},
        {"type": "softmax", "name": "softmax"},
    ],
    "loss": {"type": "categorical_cross_entropy", "target": "label"},
    # Adam has moments, so a resumed training must restore more than its weights.
    "optimizer": {
        "type": "adam",
        "learning_rate": 0.01,
        "mini_batch_size": 10,
        "beta1": 0.9,
        "beta2": 0.999,
        "eps": 1e-8,
    },
    "epochs": {"default": 3, "min": 1, "max": 1_000_000},
}


def request(epochs: int, *, dataset: str = "points", seed: int = 1, **more: object) -> dict[str, Any]:
    """The body of `POST /jobs`. Two with the same numbers are the same training."""
    return {
        "model": {"spec": _SPEC | {"seed": seed}},
        "dataset": dataset,
        "hyperparameters": {"epochs": epochs, "seed": seed},
        **more,
    }


def dataset(folder: Path) -> Path:
    """A file of 300 points in three classes, to be uploaded as `points`."""
    numbers = np.random.default_rng(0)
    labels = numbers.integers(0, 3, 300)
    points = (numbers.random((300, 4)) + 2 * np.eye(3, 4)[labels]).astype(np.float32)
    path = folder / "points.npz"
    arrays: dict[str, Any] = {"train/x": points, "train/label": labels.astype(np.int32).reshape(-1, 1)}
    np.savez(path, **arrays)
    return path

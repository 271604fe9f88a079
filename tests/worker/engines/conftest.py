"""Shared by the engines' tests: small models, runs over arrays in memory, and a recording observer."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from numpy.typing import ArrayLike

from pippin.api.requests import Hyperparameters
from pippin.models.mlmodel import build
from pippin.models.spec import resolve
from worker.engines.engine import EpochResult, Examples, TrainingRun


@dataclass
class Notes:
    """An observer that records its calls; `stop_requested` is true after `patience` calls."""

    patience: int | None = None
    asked: int = 0
    heard: list[str] = field(default_factory=list)
    results: list[EpochResult] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    def stop_requested(self) -> bool:
        self.asked += 1
        return self.patience is not None and self.asked > self.patience

    def training_began(self, notice: str | None = None) -> None:  # noqa: ARG002
        self.heard.append("began")

    def epoch_ended(self, result: EpochResult, snapshot: object = None) -> None:  # noqa: ARG002
        self.heard.append(f"epoch {result.epoch}")
        self.results.append(result)

    def log(self, line: str) -> None:
        self.lines.append(line)


class Lab:
    """Makes what an engine needs."""

    @staticmethod
    def notes(patience: int | None = None) -> Notes:
        return Notes(patience)

    @staticmethod
    def model(
        layers: list[dict[str, Any]],
        *,
        shape: list[int],
        optimizer: dict[str, Any],
        loss: str = "categorical_cross_entropy",
        outputs: int = 2,
    ) -> bytes:
        """The file of a chain of layers from the input `x` to the output `y`; the target is `y_true`."""
        return build(
            resolve(
                {
                    "inputs": [{"name": "x", "shape": shape}],
                    "outputs": [{"name": "y", "shape": [outputs]}],
                    "layers": layers,
                    "loss": {"type": loss, "target": "y_true"},
                    "optimizer": optimizer,
                    "epochs": 1,
                }
            )
        )

    @staticmethod
    def examples(scales: dict[str, float] | None = None, **arrays: ArrayLike) -> Examples:
        """Examples of the arrays given by training input."""
        held = {name: np.asarray(array) for name, array in arrays.items()}
        return Examples(held, scales or {}, len(next(iter(held.values()))))

    @staticmethod
    def run(
        model: bytes,
        training: Examples,
        validation: Examples | None = None,
        *,
        report_batches: bool = False,
        **hyperparameters: float,
    ) -> TrainingRun:
        """One epoch in mini-batches of 4, in the order of the data, where the hyperparameters do not say otherwise."""
        decided = {"epochs": 1, "mini_batch_size": 4, "learning_rate": 0.1, "shuffle": False, "seed": 0}
        return TrainingRun(
            model, Hyperparameters.model_validate(decided | hyperparameters), training, validation, report_batches
        )


@pytest.fixture(scope="session")
def lab() -> Lab:
    return Lab()


@pytest.fixture
def notes(lab: Lab) -> Notes:
    return lab.notes()

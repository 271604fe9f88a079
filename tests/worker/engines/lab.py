"""What the engines' tests share: small models, runs over arrays in memory, and an observer that records."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pippin.api.requests import Hyperparameters
from pippin.jobs.checkpoints import Checkpoint
from pippin.models.mlmodel import Samples, Weights, build
from pippin.models.spec import resolve
from worker.engines.engine import Engine, EpochResult, Examples, Observer, TrainingRun

Layer = dict[str, Any]

SOFTMAX: Layer = {"type": "softmax", "name": "share"}
ADAM_VALUES = {"beta1": 0.9, "beta2": 0.999, "eps": 1e-8}


@dataclass
class Notes:
    """An observer that records its calls.

    Attributes:
        patience: `stop_requested` is true after so many calls; None requests no stop.
        until: Calls before the end of this epoch do not count.
        takes_snapshots: Whether it keeps the checkpoint that each epoch offers.
        asked: The calls of `stop_requested` that count.
    """

    patience: int | None = None
    until: int = 0
    takes_snapshots: bool = False
    asked: int = 0
    heard: list[str] = field(default_factory=list)
    notices: list[str | None] = field(default_factory=list)
    results: list[EpochResult] = field(default_factory=list)
    snapshots: list[Checkpoint | None] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    def stop_requested(self) -> bool:
        if len(self.results) < self.until:
            return False
        self.asked += 1
        return self.patience is not None and self.asked > self.patience

    def training_began(self, notice: str | None = None) -> None:
        self.heard.append("began")
        self.notices.append(notice)

    def epoch_ended(self, result: EpochResult, snapshot: Callable[[], Checkpoint] | None = None) -> None:
        self.heard.append(f"epoch {result.epoch}")
        self.results.append(result)
        if self.takes_snapshots:
            self.snapshots.append(None if snapshot is None else snapshot())

    def log(self, line: str) -> None:
        self.lines.append(line)


def optimizer(kind: str, **fields: Any) -> dict[str, Any]:  # noqa: ANN401 - fields of the spec language
    """The declaration of an optimizer: rate 0.1 and mini-batches of 4 where the fields do not say otherwise."""
    return {"type": kind, "learning_rate": 0.1, "mini_batch_size": 4, **fields}


ADAM = optimizer("adam", **ADAM_VALUES)


def dense(name: str, outputs: int, **fields: Any) -> Layer:  # noqa: ANN401 - fields of the spec language
    """A trained inner product."""
    return {"type": "inner_product", "name": name, "output_channels": outputs, "updatable": True, **fields}


def document(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - fields of the spec language
    """A spec: a softmax over the classes `y_true` on a vector `x`, changed; `...` leaves a field out."""
    fields = {
        "inputs": [{"name": "x", "shape": [3]}],
        "outputs": [{"name": "y"}],
        "loss": {"type": "categorical_cross_entropy", "target": "y_true"},
        "optimizer": optimizer("sgd"),
        "epochs": 1,
    }
    return {key: value for key, value in (fields | changes).items() if value is not ...}


def model(
    layers: Sequence[Layer],
    *,
    shape: list[int],
    optimizer: dict[str, Any],
    loss: str = "categorical_cross_entropy",
    outputs: int = 2,
) -> bytes:
    """The file of a chain of layers from the input `x` to the output `y`; the target is `y_true`."""
    spec = document(
        inputs=[{"name": "x", "shape": shape}],
        outputs=[{"name": "y", "shape": [outputs]}],
        layers=list(layers),
        loss={"type": loss, "target": "y_true"},
        optimizer=optimizer,
    )
    return build(resolve(spec))


def examples(scales: dict[str, float] | None = None, **arrays: ArrayLike) -> Examples:
    """Examples of these arrays, by training input."""
    columns = {name: np.asarray(array) for name, array in arrays.items()}
    return Examples(columns, scales or {}, len(next(iter(columns.values()))))


def clouds(width: int = 3, distance: float = 1) -> Examples:
    """Two clouds of points, 11 examples: the last mini-batch of 4 is smaller."""
    labels = np.arange(11) % 2
    points = np.random.default_rng(3).normal(size=(11, width)) + distance * labels[:, None]
    return examples(x=np.float32(points), y_true=labels)


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
    values = Hyperparameters.model_validate(decided | hyperparameters)
    return TrainingRun(model, values, training, validation, report_batches)


def train(engine: Engine, run: TrainingRun, observer: Observer) -> Weights:
    """The weights that an engine learns."""
    learned = engine.train(run, observer)
    assert not isinstance(learned, Samples)
    return learned


Arrays = Mapping[str, Mapping[str, NDArray[np.generic]]]


def bits(weights: Arrays) -> dict[str, bytes]:
    """The bytes of each array, by layer and part."""
    return {f"{layer}/{key}": array.tobytes() for layer, arrays in weights.items() for key, array in arrays.items()}


def assert_close(actual: Arrays, expected: Arrays, tolerance: float = 1e-6) -> None:
    """The same layers with the same parts, in single precision and as near as the tolerance."""
    assert [(layer, list(arrays)) for layer, arrays in actual.items()] == [
        (layer, list(arrays)) for layer, arrays in expected.items()
    ]
    for layer, arrays in expected.items():
        for key, array in arrays.items():
            assert actual[layer][key].dtype == np.float32
            np.testing.assert_allclose(actual[layer][key], array, atol=tolerance, err_msg=f"{key} of {layer}")

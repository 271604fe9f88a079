"""A tiny training: one trained layer, a loss, and a few examples drawn from a fixed seed."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pippin.api.engines import ComputeUnits
from pippin.api.requests import Hyperparameters
from pippin.models.mlmodel import build
from pippin.models.spec import resolve
from worker.engines.engine import Examples, TrainingRun

LAYER = "layer"
_INPUTS, _OUTPUTS = 4, 3
# No two axes of the kernels are of one length, so that none can be taken for another unnoticed.
_IMAGE, _KERNEL, _CHANNELS = (2, 4, 5), (3, 4), 5


@dataclass(frozen=True)
class Sgd:
    """SGD's hyperparameters."""

    learning_rate: float = 0.5
    momentum: float = 0.0


@dataclass(frozen=True)
class Adam:
    """Adam's hyperparameters, with an eps large enough to show where it stands."""

    learning_rate: float = 0.1
    beta1: float = 0.9
    beta2: float = 0.99
    eps: float = 0.1


@dataclass(frozen=True)
class Problem:
    """What is trained, on what, and how.

    Attributes:
        layer: The trained layer. A convolution's outputs are flattened.
        loss: Cross-entropy over the softmax of the outputs, or the squared error of the outputs.
        optimizer: With its hyperparameters.
        examples: How many there are.
        mini_batch_size: As asked for; it may be larger than the data.
        epochs: How many there are.
        learning_rates: That of each epoch; None keeps the optimizer's.
        shuffle: Whether the order is drawn anew in each epoch.
        seed: Fixes that order.
        compute_units: Which of Apple's processors may compute.
    """

    layer: Literal["dense", "convolution"] = "dense"
    loss: Literal["categorical_cross_entropy", "mean_squared_error"] = "categorical_cross_entropy"
    optimizer: Sgd | Adam = Sgd()
    examples: int = 8
    mini_batch_size: int = 8
    epochs: int = 2
    learning_rates: tuple[float, ...] | None = None
    shuffle: bool = False
    seed: int = 0
    compute_units: ComputeUnits = "cpu_only"

    @property
    def outputs(self) -> int:
        """How many numbers the loss sees."""
        if self.layer == "dense":
            return _OUTPUTS
        return _CHANNELS * (_IMAGE[1] - _KERNEL[0] + 1) * (_IMAGE[2] - _KERNEL[1] + 1)

    def rates(self) -> tuple[float, ...]:
        """The learning rate of each epoch."""
        return self.learning_rates or (self.optimizer.learning_rate,) * self.epochs

    def weights(self) -> dict[str, NDArray[np.float32]]:
        """The layer's weights and bias before the training, in the order and shape of the file."""
        shape = (_OUTPUTS, _INPUTS) if self.layer == "dense" else (_CHANNELS, _IMAGE[0], *_KERNEL)
        drawn = np.random.default_rng(1)
        return {
            "weights": drawn.uniform(-1, 1, shape).astype(np.float32),
            "bias": drawn.uniform(-1, 1, shape[0]).astype(np.float32),
        }

    def data(self) -> tuple[NDArray[np.float32], NDArray[Any]]:
        """Inputs [N, *shape], and targets: class indices [N, 1] or numbers [N, outputs]."""
        drawn = np.random.default_rng(2)
        x = drawn.normal(size=(self.examples, *((_INPUTS,) if self.layer == "dense" else _IMAGE)))
        if self.loss == "mean_squared_error":
            return x.astype(np.float32), drawn.normal(size=(self.examples, self.outputs)).astype(np.float32)
        return x.astype(np.float32), drawn.integers(0, self.outputs, (self.examples, 1)).astype(np.int32)

    def run(self) -> TrainingRun:
        """The training as an engine is given it."""
        x, target = self.data()
        values = vars(self.optimizer)
        asked = Hyperparameters(
            epochs=self.epochs, mini_batch_size=self.mini_batch_size, shuffle=self.shuffle, seed=self.seed, **values
        )
        return TrainingRun(
            build(resolve(self._spec())),
            asked,
            Examples({"x": x, "target": target}, {}, self.examples),
            validation=None,
            report_batches=False,
            learning_rates=self.learning_rates,
            compute_units=self.compute_units,
        )

    def _spec(self) -> dict[str, Any]:
        arrays = {name: array.tolist() for name, array in self.weights().items()}
        trained = {"name": LAYER, "updatable": True, **arrays}
        layers: list[dict[str, Any]]
        if self.layer == "dense":
            layers = [{"type": "inner_product", "output_channels": _OUTPUTS, **trained}]
        else:
            layers = [
                {"type": "convolution", "output_channels": _CHANNELS, "kernel_size": list(_KERNEL), **trained},
                {"type": "flatten", "name": "flat", "mode": "channel_first"},
            ]
        if self.loss == "categorical_cross_entropy":
            layers.append({"type": "softmax", "name": "shares"})
        kind = "sgd" if isinstance(self.optimizer, Sgd) else "adam"
        return {
            "inputs": [{"name": "x", "shape": [_INPUTS] if self.layer == "dense" else list(_IMAGE)}],
            "outputs": [{"name": "y", "shape": [self.outputs]}],
            "layers": layers,
            "loss": {"type": self.loss, "target": "target"},
            "optimizer": {"type": kind, "mini_batch_size": self.mini_batch_size, **vars(self.optimizer)},
            "epochs": self.epochs,
            "shuffle": self.shuffle,
            "seed": self.seed,
        }

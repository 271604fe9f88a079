"""A tiny training (one trained layer, a loss, a few examples from a fixed seed), and its candidate rules."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pippin.api.engines import ComputeUnits
from pippin.api.requests import Hyperparameters
from pippin.models.mlmodel import build
from pippin.models.spec import resolve
from worker.engines.engine import Examples, TrainingRun

Order = tuple[int, ...]
Momentum = Literal["lr_inside", "lr_outside", "nesterov", "dampened"]
AdamForm = Literal["eps_outside", "eps_hat", "eps_in_root", "uncorrected"]
SquaredError = Literal["mean", "half_mean", "sum", "half_sum", "batch_sum"]
LastBatch = Literal["filled", "own_size", "dropped", "full_divisor", "filled_before"]
EpochLoss = Literal["examples", "batches", "last_batch"]
Precision = Literal["float32", "float16"]
Kernels = Literal["oihw", "oiwh", "iohw", "hwio", "flipped"]


@dataclass(frozen=True)
class Rules:
    """The rules of a training; the defaults are Pippin's choices.

    Attributes:
        momentum: `lr_inside`: v <- m v + lr g, w <- w - v. `lr_outside`: v <- m v + g, w <- w - lr v. `nesterov`: v as
            in `lr_inside`, w <- w - (m v + lr g). `dampened`: v <- m v + (1 - m) lr g, w <- w - v.
        adam: Where eps is added: `eps_outside` to the root of the corrected v, `eps_hat` to the root of the uncorrected
            v, `eps_in_root` under the root; or `uncorrected`, without any correction for the first steps.
        squared_error: The loss of a mini-batch as a function of the squares [N, K]: their mean, half of it, the sum
            over K and mean over N, half of that, or the mean over K and sum over N.
        last_batch: A smaller last mini-batch is `filled` up with the first examples of the epoch's order, all counted,
            divided by its `own_size`, `dropped`, divided by the full size (`full_divisor`), or filled up with the
            examples at the same positions of the previous mini-batch (`filled_before`).
        epoch_loss: The loss of an epoch is the mean over its `examples`, each counted once, the mean over its
            `batches`, or the loss of the last mini-batch (`last_batch`).
        orders: The order of the examples in each epoch; None is the order of the data.
        arithmetic: The precision of the forward and backward pass; float32 means no rounding.
        storage: The precision of the weights after each step; float32 means no rounding.
        kernels: The order of the axes in which a convolution's weights are read: o and i are output and input
            channels, h and w the kernel's height and width. `flipped` is `oihw` with each kernel turned by 180 degrees.
    """

    momentum: Momentum = "lr_inside"
    adam: AdamForm = "eps_hat"
    squared_error: SquaredError = "mean"
    last_batch: LastBatch = "filled"
    epoch_loss: EpochLoss = "examples"
    orders: tuple[Order, ...] | None = None
    arithmetic: Precision = "float32"
    storage: Precision = "float32"
    kernels: Kernels = "oihw"


LAYER = "layer"
_INPUTS, _OUTPUTS = 4, 3
# All axes of the kernels have different lengths, so that exchanged axes are detected.
_IMAGE, _KERNEL, _CHANNELS = (2, 4, 5), (3, 4), 5


@dataclass(frozen=True)
class Sgd:
    """SGD's hyperparameters."""

    learning_rate: float = 0.5
    momentum: float = 0.0


@dataclass(frozen=True)
class Adam:
    """Adam's hyperparameters, with an eps large enough to show where eps is added."""

    learning_rate: float = 0.1
    beta1: float = 0.9
    beta2: float = 0.99
    eps: float = 0.1


@dataclass(frozen=True)
class Problem:
    """A training: the layer, the data and the hyperparameters.

    Attributes:
        layer: The trained layer. A convolution's outputs are flattened.
        loss: Cross-entropy over the softmax of the outputs, or the squared error of the outputs.
        optimizer: The optimizer's hyperparameters.
        examples: Number of examples.
        mini_batch_size: The requested size, which may exceed the number of examples.
        epochs: Number of epochs.
        learning_rates: The learning rate of each epoch; None keeps the optimizer's.
        shuffle: Whether each epoch has a new order.
        seed: The seed of the orders.
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
        """Number of inputs of the loss per example."""
        if self.layer == "dense":
            return _OUTPUTS
        return _CHANNELS * (_IMAGE[1] - _KERNEL[0] + 1) * (_IMAGE[2] - _KERNEL[1] + 1)

    def rates(self) -> tuple[float, ...]:
        """The learning rate of each epoch."""
        return self.learning_rates or (self.optimizer.learning_rate,) * self.epochs

    def weights(self) -> dict[str, NDArray[np.float32]]:
        """The layer's initial weights and bias, in the order and shape of the file."""
        shape = (_OUTPUTS, _INPUTS) if self.layer == "dense" else (_CHANNELS, _IMAGE[0], *_KERNEL)
        generator = np.random.default_rng(1)
        return {
            "weights": generator.uniform(-1, 1, shape).astype(np.float32),
            "bias": generator.uniform(-1, 1, shape[0]).astype(np.float32),
        }

    def data(self) -> tuple[NDArray[np.float32], NDArray[Any]]:
        """Inputs [N, *shape], and targets: class indices [N, 1] or numbers [N, outputs]."""
        generator = np.random.default_rng(2)
        x = generator.normal(size=(self.examples, *((_INPUTS,) if self.layer == "dense" else _IMAGE)))
        if self.loss == "mean_squared_error":
            return x.astype(np.float32), generator.normal(size=(self.examples, self.outputs)).astype(np.float32)
        return x.astype(np.float32), generator.integers(0, self.outputs, (self.examples, 1)).astype(np.int32)

    def run(self) -> TrainingRun:
        """The run for an engine."""
        x, target = self.data()
        values = vars(self.optimizer)
        hyperparameters = Hyperparameters(
            epochs=self.epochs, mini_batch_size=self.mini_batch_size, shuffle=self.shuffle, seed=self.seed, **values
        )
        return TrainingRun(
            build(resolve(self._spec())),
            hyperparameters,
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

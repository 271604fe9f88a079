"""The two programs that the device runs: training steps and validation steps.

The number of steps is an argument, not a part of the program: one compiled program runs chunks of any length, and the
chunks' length cannot change a bit of the results. The layers' names, the hyperparameters, the scale of the data and the
exact number of examples are no part of the program either, so that similar jobs share a cached program.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from pippin.models.spec import ResolvedSpec
from pippin.network import Array, Convolve, Weights, losses
from pippin.network.graph import compute
from pippin.network.losses import LOSSES, loss_blob
from worker.engines.columns import Column
from worker.engines.jax.optimizers import Optimizer


@dataclass(frozen=True)
class Network:
    """The model's arithmetic as the programs use it. Arrays are [N, *shape], channels first."""

    resolved: ResolvedSpec
    convolve: Convolve | None
    precision: str | None

    def losses(self, weights: Weights, inputs: Mapping[str, Array]) -> Array:
        """The loss of each example, [N]."""
        with jax.default_matmul_precision(self.precision):
            return losses(self.resolved, weights, inputs, jnp, self.convolve)

    def losses_and_hits(self, weights: Weights, inputs: Mapping[str, Array]) -> tuple[Array, Array]:
        """The loss of each example, [N], and whether its largest output is its label, [N]; False without classes."""
        judged, target = loss_blob(self.resolved), inputs[self.resolved.training_target]
        with jax.default_matmul_precision(self.precision):
            blob = compute(self.resolved, weights, inputs, [judged], xp=jnp, convolve=self.convolve)[judged]
            losses = LOSSES[self.resolved.spec.loss.type](blob, target, jnp)
        if not self.has_classes:
            return losses, jnp.zeros(losses.shape, bool)
        # The softmax's input has its largest value at the same index, and exists also if the softmax is no output.
        return losses, blob.reshape(*losses.shape, -1).argmax(axis=-1) == target.reshape(losses.shape)

    @property
    def has_classes(self) -> bool:
        """Whether the model is a classifier, so that an accuracy is defined."""
        return self.resolved.spec.loss.type == "categorical_cross_entropy"


def network_for(resolved: ResolvedSpec, backend: str) -> Network:
    """The network in the form that suits `backend` (JAX's name: `cpu`, `gpu` …).

    On a CPU, XLA compiles slices and matrix products best. On other backends XLA's own convolution is used, and the
    highest precision is set, because a GPU otherwise rounds the factors of matrix products to fewer bits.
    """
    return Network(resolved, *arithmetic_of(backend))


def arithmetic_of(backend: str) -> tuple[Convolve | None, str | None]:
    """The convolution and the precision of matrix products that suit `backend`; None keeps the default."""
    return (None, None) if backend == "cpu" else (convolve, "highest")


def convolve(
    x: Array,
    kernel: Array,
    *,
    stride: tuple[int, int],
    dilation: tuple[int, int],
    borders: tuple[tuple[int, int], tuple[int, int]],
    groups: int,
) -> Array:
    """`pippin.network.Convolve` by XLA's convolution."""
    return jax.lax.conv_general_dilated(
        x,
        kernel,
        window_strides=stride,
        padding=borders,
        rhs_dilation=dilation,
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
        feature_group_count=groups,
    )


Key = tuple[str, str]


@dataclass(frozen=True)
class Parameters:
    """Which weights are trained and which are not.

    Attributes:
        trained: (layer name, `weights` or `bias`) of all trained weights, in the order of the layers.
        frozen: The same for all other weights.
    """

    trained: tuple[Key, ...]
    frozen: tuple[Key, ...]

    def named(self, trained: tuple[Any, ...], frozen: tuple[Any, ...]) -> dict[str, dict[str, Any]]:
        """Layer name -> `weights` or `bias` -> array."""
        nested: dict[str, dict[str, Any]] = {}
        for keys, arrays in ((self.trained, trained), (self.frozen, frozen)):
            for (layer, key), array in zip(keys, arrays, strict=True):
                nested.setdefault(layer, {})[key] = array
        return nested


def parameters_of(resolved: ResolvedSpec) -> Parameters:
    """The weights of a model, divided by the layers' flag `updatable`."""
    keys = [(layer.layer, key) for layer in resolved.layers for key in layer.weight_shapes]
    return Parameters(
        tuple((layer.name, key) for layer, key in keys if layer.updatable),
        tuple((layer.name, key) for layer, key in keys if not layer.updatable),
    )


def select_arrays(weights: Mapping[str, Mapping[str, NDArray[np.float32]]], keys: tuple[Key, ...]) -> tuple[Any, ...]:
    """The arrays of `keys`."""
    return tuple(weights[layer][key] for layer, key in keys)


Arrays = tuple[Array, ...]
Moments = tuple[Arrays, ...]
_State = TypeVar("_State")


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Steps:
    """The mini-batches that a program runs: the first `count` of the `rows`.

    Attributes:
        table: One matrix per column, one row per example.
        scales: One factor per column.
        rows: [K, size] the matrix rows of each mini-batch.
        valid_counts: [K] number of leading rows that are a mini-batch's own examples; the other rows are filling.
        repeats: [K] how often each row of a mini-batch counts; 0 where only the first `again` rows count.
        again: [K] number of leading rows that count once more.
        scalars: [K, n] the optimizer's scalars of each step; [K, 0] for a validation.
        count: How many of the K mini-batches to run.
    """

    table: Arrays
    scales: Arrays
    rows: Array
    valid_counts: Array
    repeats: Array
    again: Array
    scalars: Array
    count: Array


@dataclass(frozen=True, eq=False)
class Programs:
    """The uncompiled programs of one model."""

    network: Network
    columns: tuple[Column, ...]
    parameters: Parameters
    optimizer: Optimizer

    def train(
        self, trained: Arrays, moments: Moments, frozen: Arrays, steps: Steps
    ) -> tuple[Arrays, Moments, Array, Array]:
        """Take the steps; returns weights, moments and two sums of losses per mini-batch, both [K].

        The first sum is over all counted rows, and the step minimizes its mean; the second sum is over the mini-batch's
        own examples. `moments` holds a tuple for each trained array.
        """

        def step(index: Array, state: tuple[Arrays, Moments, Array, Array]) -> tuple[Arrays, Moments, Array, Array]:
            trained, moments, totals, sums = state
            inputs, repeats, again = self._mini_batch(steps, index), steps.repeats[index], steps.again[index]

            def mean_loss(trained: Arrays) -> tuple[Array, tuple[Array, Array]]:
                losses = self.network.losses(self.parameters.named(trained, frozen), inputs)
                size = losses.shape[0]
                times = repeats + (jnp.arange(size) < again)
                # A row that does not count may have a loss that is not finite.
                total = jnp.where(times > 0, losses * times, 0).sum()
                return total / (repeats * size + again), (total, _sum_of_first(losses, steps.valid_counts[index]))

            gradients, (total, own) = jax.grad(mean_loss, has_aux=True)(trained)
            scalars = tuple(steps.scalars[index])
            updated = [
                self.optimizer.update(weight, moment, gradient, scalars)
                for weight, moment, gradient in zip(trained, moments, gradients, strict=True)
            ]
            weights, moments = (tuple(each) for each in zip(*updated, strict=True))
            return weights, moments, totals.at[index].set(total), sums.at[index].set(own)

        none = jnp.zeros(steps.valid_counts.shape, jnp.float32)
        return _repeated(step, steps.count, (trained, moments, none, none))

    def validate(self, trained: Arrays, frozen: Arrays, steps: Steps) -> tuple[Array, Array]:
        """Measure; returns each mini-batch's sum of losses and number of correct predictions, both [K]."""
        weights = self.parameters.named(trained, frozen)

        def step(index: Array, state: tuple[Array, Array]) -> tuple[Array, Array]:
            sums, hits = state
            losses, right = self.network.losses_and_hits(weights, self._mini_batch(steps, index))
            own = steps.valid_counts[index]
            return sums.at[index].set(_sum_of_first(losses, own)), hits.at[index].set(_sum_of_first(right, own))

        shape = steps.valid_counts.shape
        return _repeated(step, steps.count, (jnp.zeros(shape, jnp.float32), jnp.zeros(shape, jnp.int32)))

    def _mini_batch(self, steps: Steps, index: Array) -> dict[str, Array]:
        """Training input -> the mini-batch's scaled examples, [size, *shape]."""
        inputs = {}
        for column, matrix, scale in zip(self.columns, steps.table, steps.scales, strict=True):
            stored = matrix.at[steps.rows[index]].get(mode="promise_in_bounds")
            value = stored.astype(column.dtype).reshape(-1, *column.shape)
            inputs[column.name] = value if column.dtype == np.int32 else value * scale
        return inputs


def _repeated(step: Callable[[Array, _State], _State], count: Array, state: _State) -> _State:
    """`state` after `count` steps."""
    final: _State = jax.lax.fori_loop(0, count, step, state)
    return final


def _sum_of_first(values: Array, count: Array) -> Array:
    """The sum over the first `count` examples of a mini-batch."""
    return jnp.where(jnp.arange(values.shape[0]) < count, values, 0).sum()

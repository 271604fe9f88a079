"""Shared by the network's tests: single layers, small models, gradients, and a convolution from the caller."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pippin.models.spec import Layer, ResolvedSpec, resolve
from pippin.network import losses
from pippin.network.arrays import Array, Convolve, LayerWeights, Namespace, Weights, to_channels_first, to_channels_last
from pippin.network.step import Step
from pippin.network.table import OPERATIONS
from pippin.network.window import Borders, Pair
from tests.support.compiled_programs import shared_programs

__all__ = ["shared_programs"]


@pytest.fixture
def float64() -> Iterator[None]:
    """JAX computes in float64 during the test."""
    with jax.enable_x64(True):
        yield


@pytest.fixture
def run_layer() -> Callable[..., Array]:
    """Compute one layer; arrays in and out are channels first."""

    def run(
        layer: Layer,
        x: Array,
        weights: LayerWeights | None = None,
        xp: Namespace = np,
        convolve: Convolve | None = None,
    ) -> Array:
        step = Step(layer, weights or {}, xp, convolve)
        return to_channels_first(OPERATIONS[layer.type](step, to_channels_last(x, xp)), xp)

    return run


@pytest.fixture
def native_convolution() -> Convolve:
    """XLA's own convolution, as an engine on a GPU brings it along."""

    def convolve(x: Array, kernel: Array, *, stride: Pair, dilation: Pair, borders: Borders, groups: int) -> Array:
        return jax.lax.conv_general_dilated(
            x,
            kernel,
            window_strides=stride,
            padding=borders,
            rhs_dilation=dilation,
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
            feature_group_count=groups,
        )

    return convolve


@pytest.fixture
def model() -> Callable[..., ResolvedSpec]:
    """A model of these layers: the input is `x`, the last layer's output `y`, the target `truth`."""

    def resolved(
        shape: Sequence[int],
        layers: Sequence[Mapping[str, object]],
        outputs: Mapping[str, Sequence[int]],
        loss: str = "mean_squared_error",
    ) -> ResolvedSpec:
        named = [{"name": f"{layer['type']}{number}", **layer} for number, layer in enumerate(layers)]
        return resolve(
            {
                "inputs": [{"name": "x", "shape": list(shape), "type": "float"}],
                "outputs": [{"name": name, "shape": list(size), "type": "float"} for name, size in outputs.items()],
                "layers": [*named[:-1], {"output": "y", **named[-1]}],
                "loss": {"type": loss, "input": "y", "target": "truth"},
                "optimizer": {"type": "sgd", "learning_rate": 0.1, "mini_batch_size": 4},
                "epochs": 1,
            }
        )

    return resolved


@pytest.fixture
def drawn_weights() -> Callable[..., Weights]:
    """Weights and biases drawn for every layer of a model; whole numbers on request, which make sums exact."""

    def draw(resolved: ResolvedSpec, rng: np.random.Generator, *, whole: bool = False) -> Weights:
        def numbers(shape: tuple[int, ...]) -> Array:
            return rng.integers(-2, 3, shape).astype("float64") if whole else rng.uniform(-0.7, 0.7, shape)

        return {
            entry.layer.name: {key: numbers(shape) for key, shape in entry.weight_shapes.items()}
            for entry in resolved.layers
            if entry.weight_shapes
        }

    return draw


@pytest.fixture
def slope() -> Callable[..., Array]:
    """The gradient of a function of one float64 array by central finite differences."""

    def differences(function: Callable[[Array], float], at: Array) -> Array:
        result = np.zeros_like(at)
        for index in np.ndindex(at.shape):
            above, below = at.copy(), at.copy()
            above[index] += 1e-6
            below[index] -= 1e-6
            result[index] = (function(above) - function(below)) / 2e-6
        return result

    return differences


@pytest.fixture
def distinct() -> Callable[..., Array]:
    """Numbers from -0.5 to 0.5 in random order, no two equal and none 0: where no maximum and no ReLU has a corner."""

    def numbers(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
        count = int(np.prod(shape))
        return ((rng.permutation(count) + 0.25) / count - 0.5).reshape(shape)

    return numbers


@pytest.fixture
def gradient() -> Callable[..., Weights]:
    """The gradient of a model's mean loss with respect to its weights, by JAX."""

    def of(
        resolved: ResolvedSpec, weights: Weights, inputs: Mapping[str, Array], convolve: Convolve | None = None
    ) -> Weights:
        of_weights = jax.jit(jax.grad(lambda some: losses(resolved, some, inputs, jnp, convolve).mean()))
        gradients: Weights = of_weights(weights)
        return gradients

    return of

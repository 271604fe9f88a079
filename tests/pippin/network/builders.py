"""Single layers, small models, gradients, and a convolution from the caller."""

from collections.abc import Callable, Mapping, Sequence

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

both = pytest.mark.parametrize("xp", [np, jnp], ids=["numpy", "jax"])


def computed(xp: Namespace, function: Callable[..., Array], *arrays: object) -> Array:
    """The function's result; with JAX as one compiled program, which is faster than one for each operation."""
    return function(*arrays) if xp is np else jax.jit(function)(*arrays)


def run_layer(
    layer: Layer,
    x: Array,
    weights: LayerWeights | None = None,
    xp: Namespace = np,
    convolve: Convolve | None = None,
) -> Array:
    """Compute one layer; arrays in and out are channels first."""

    def run(x: Array, weights: LayerWeights) -> Array:
        step = Step(layer, weights, xp, convolve)
        return to_channels_first(OPERATIONS[layer.type](step, to_channels_last(x, xp)), xp)

    return computed(xp, run, x, weights or {})


def layer_gradient(layer: Layer, x: Array) -> Array:
    """The gradient of the sum of a layer's output with respect to its input."""
    return jax.jit(jax.grad(lambda x: run_layer(layer, x, xp=jnp).sum()))(x)


def native_convolution(
    x: Array, kernel: Array, *, stride: Pair, dilation: Pair, borders: Borders, groups: int
) -> Array:
    """XLA's own convolution, as an engine on a GPU brings it along."""
    return jax.lax.conv_general_dilated(
        x,
        kernel,
        window_strides=stride,
        padding=borders,
        rhs_dilation=dilation,
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
        feature_group_count=groups,
    )


def model(
    shape: Sequence[int],
    layers: Sequence[Mapping[str, object]],
    outputs: Mapping[str, Sequence[int] | None],
    loss: str = "mean_squared_error",
    **fields: object,
) -> ResolvedSpec:
    """A model of these layers: the input is `x`, the last layer's output `y`, the target `truth`."""
    named = [{"name": f"{layer['type']}{number}", **layer} for number, layer in enumerate(layers)]
    document = {
        "inputs": [{"name": "x", "shape": list(shape), "type": "float"}],
        "outputs": [
            {"name": name, "type": "float"} | ({"shape": list(size)} if size else {}) for name, size in outputs.items()
        ],
        "layers": [*named[:-1], {"output": "y", **named[-1]}],
        "loss": {"type": loss, "input": "y", "target": "truth"},
        "optimizer": {"type": "sgd", "learning_rate": 0.1, "mini_batch_size": 4},
        "epochs": 1,
    }
    return resolve(document | fields)


def drawn_weights(resolved: ResolvedSpec, rng: np.random.Generator, *, whole: bool = False) -> Weights:
    """Weights and biases drawn for every layer of a model; whole numbers on request, which make sums exact."""

    def numbers(shape: tuple[int, ...]) -> Array:
        return rng.integers(-2, 3, shape).astype("float64") if whole else rng.uniform(-0.7, 0.7, shape)

    return {
        entry.layer.name: {key: numbers(shape) for key, shape in entry.weight_shapes.items()}
        for entry in resolved.layers
        if entry.weight_shapes
    }


def gradient(resolved: ResolvedSpec, weights: Weights, inputs: Mapping[str, Array]) -> Weights:
    """The gradient of a model's mean loss with respect to its weights, by JAX."""
    of_mean = jax.jit(jax.grad(lambda weights: losses(resolved, weights, inputs, jnp).mean()))
    found: Weights = of_mean(weights)
    return found


def differences(function: Callable[[Array], float], at: Array) -> Array:
    """The gradient of a function of one float64 array by central finite differences."""
    result = np.zeros_like(at)
    for index in np.ndindex(at.shape):
        above, below = at.copy(), at.copy()
        above[index] += 1e-6
        below[index] -= 1e-6
        result[index] = (function(above) - function(below)) / 2e-6
    return result

"""Measures the milliseconds per training step of the seed's network (585,958 parameters) by lowering of convolutions.

Every round runs each lowering once, one after the other, so that a change in the speed of the machine affects all
equally. Each lowering is timed twice: the loss and its gradient alone, and whole steps with Adam in one `lax.scan`.
"""

import argparse
import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from pippin.models.spec import resolve
from pippin.models.spec.presets import preset
from pippin.models.spec.weights import initial_weights
from pippin.network import Convolve, losses
from pippin.network.layers.convolution import product
from pippin.network.window import Borders, Pair, Window, with_borders

SPEC = resolve(preset("mnist-cnn"))
Tree = Any


def native(
    x: jax.Array, kernel: jax.Array, *, stride: Pair, dilation: Pair, borders: Borders, groups: int
) -> jax.Array:
    """The convolution of XLA."""
    return jax.lax.conv_general_dilated(
        x,
        kernel,
        window_strides=stride,
        padding=borders,
        rhs_dilation=dilation,
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
        feature_group_count=groups,
    )


def slices(
    x: jax.Array, kernel: jax.Array, *, stride: Pair, dilation: Pair, borders: Borders, groups: int
) -> jax.Array:
    """Slices and one matrix product, separate from pooling."""
    bordered = with_borders(x, borders, 0, jnp)
    window = Window.within(bordered.shape[1:3], kernel.shape[:2], stride, dilation)
    return product(bordered, window, groups, kernel.transpose(3, 2, 0, 1), jnp)


LOWERINGS: Mapping[str, Convolve | None] = {
    "joined with pooling": None,
    "slices and product": slices,
    "lax.conv": native,
}


def gradient_of(convolve: Convolve | None) -> Callable[[Tree, Tree], tuple[jax.Array, Tree]]:
    """(weights, inputs) -> the mini-batch's mean loss and its gradient."""
    return jax.value_and_grad(lambda weights, inputs: losses(SPEC, weights, inputs, jnp, convolve).mean())


def steps_of(convolve: Convolve | None) -> Callable[[Tree, Tree], tuple[Tree, jax.Array]]:
    """(state, mini-batches) -> the state after one Adam step for each mini-batch, and the losses."""
    gradient = gradient_of(convolve)

    def step(state: Tree, inputs: Tree) -> tuple[Tree, jax.Array]:
        weights, first, second, t = state
        loss, slope = gradient(weights, inputs)
        t = t + 1
        first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, first, slope)
        second = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, second, slope)
        weights = jax.tree.map(
            lambda w, m, v: w - 1e-4 * (m / (1 - 0.9**t)) / (jnp.sqrt(v / (1 - 0.999**t)) + 1e-8),
            weights, first, second,
        )  # fmt: skip
        return (weights, first, second, t), loss

    return lambda state, batches: jax.lax.scan(step, state, batches)


def timed(call: Callable[[], Any]) -> float:
    """Milliseconds that `call` takes."""
    started = time.perf_counter()
    jax.block_until_ready(call())
    return (time.perf_counter() - started) * 1e3


def main() -> None:
    """Time all lowerings and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=20, help="steps in one scan")
    parser.add_argument("--batch", type=int, default=128)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    batches = jax.device_put(
        {
            "image": rng.random((options.steps, options.batch, 1, 28, 28), np.float32),
            "output_true": rng.integers(0, 10, (options.steps, options.batch, 1)),
        }
    )
    inputs = jax.tree.map(lambda column: column[0], batches)
    weights = jax.device_put(initial_weights(SPEC))
    zeros = jax.tree.map(jnp.zeros_like, weights)
    state = (weights, zeros, zeros, jnp.float32(0))

    calls: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {}
    for name, convolve in LOWERINGS.items():
        gradient = jax.jit(gradient_of(convolve)).lower(weights, inputs).compile()
        steps = jax.jit(steps_of(convolve)).lower(state, batches).compile()
        calls[name] = (lambda run=gradient: run(weights, inputs), lambda run=steps: run(state, batches))
        for call in calls[name]:
            timed(call)
    times: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in calls}
    for _ in range(options.rounds):
        for name, (gradient, steps) in calls.items():
            times[name][0].append(timed(gradient))
            times[name][1].append(timed(steps) / options.steps)

    print(
        f"ms a step, {options.batch} digits each; jax {jax.__version__}, {os.cpu_count()} cores, {platform.machine()}"
    )
    print(f"{'':22}{'gradient':>10}{'min':>8}{'ratio':>8}{'with Adam':>13}{'min':>8}{'ratio':>8}")
    base = times["joined with pooling"]
    for name, samples in times.items():
        print(f"{name:22}", end="")
        for kind in (0, 1):
            ratio = statistics.median(one / other for one, other in zip(samples[kind], base[kind], strict=True))
            width = 10 if kind == 0 else 13
            print(f"{statistics.median(samples[kind]):{width}.1f}{min(samples[kind]):8.1f}{ratio:8.2f}", end="")
        print()


if __name__ == "__main__":
    main()

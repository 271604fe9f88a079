"""What the recurrent layers compute with: steps over a sequence, the cell of an LSTM, activations."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import TypeAlias

import numpy as np

from pippin.models.spec.recurrent import (
    GATES,
    LSTM,
    LinearActivation,
    RecurrentActivation,
    ReLUActivation,
    ScaledTanhActivation,
    SigmoidActivation,
    SigmoidHardActivation,
    TanhActivation,
)
from pippin.network.arrays import Array, LayerWeights, Namespace

State: TypeAlias = tuple[Array, ...]
"""What a step hands on to the next, [N, outputs] each; the first is the step's output."""

GATE_LIMIT = 50.0
"""What goes into an activation of a gate stays between this and its negative (`clip` of NeuralNetwork.proto)."""


def vectors_of(blob: Array) -> Array:
    """The vectors of a sequence, [N, sequence, 1, 1, 1, C] -> [N, sequence, C]."""
    return blob[:, :, 0, 0, 0]


def blob_of(vectors: Array) -> Array:
    """A sequence as it lies between layers, [N, sequence, C] -> [N, sequence, 1, 1, 1, C]."""
    return vectors[:, :, None, None, None]


def states_of(blobs: tuple[Array, ...], count: int, given: Array, outputs: int, xp: Namespace) -> State:
    """The first `count` states, [N, outputs] each, zeros for those that are left out.

    Args:
        blobs: Those that the layer reads, [N, 1, 1, 1, 1, outputs].
        count: How many the layer has.
        given: What the layer's input gives to each step, [N, sequence, ...], of the type to compute with.
        outputs: The layer's `output_vector_size`.
        xp: numpy or jax.numpy.
    """
    nothing = xp.zeros((given.shape[0], outputs), dtype=given.dtype)
    read = tuple(vectors_of(blob)[:, 0].astype(given.dtype) for blob in blobs)
    return read + (nothing,) * (count - len(read))


def run(
    advance: Callable[[Array, State], State], given: Array, state: State, xp: Namespace, *, backwards: bool
) -> tuple[Array, State]:
    """Go through a sequence: the outputs in the order in which they are made, and the states at the end.

    Args:
        advance: Makes the states after a step of what the step is given and of the states before it.
        given: What the steps are given, [N, sequence, ...].
        state: The states to begin with.
        xp: numpy or jax.numpy.
        backwards: Whether it begins at the end.

    Returns:
        [N, sequence, outputs], and the states.
    """

    def body(state: State, given: Array) -> tuple[State, Array]:
        state = advance(given, state)
        return state, state[0]

    steps = xp.moveaxis(given[:, ::-1] if backwards else given, 1, 0)
    state, outputs = _scan_of(xp)(body, state, steps)
    return xp.moveaxis(outputs, 0, 1), state


def _scan_of(xp: Namespace) -> Callable[..., tuple[State, Array]]:
    """The loop over the first axis: JAX's own, which is compiled once for all steps.

    Laid out step by step, an LSTM's gradient took XLA 40 s to compile for 32 steps and minutes for 128; 4 s this way.
    """
    if xp is np:
        return _scan
    # Only a worker has JAX, and this package none of its own.
    from jax.lax import scan  # noqa: PLC0415

    return scan


def _scan(body: Callable[[State, Array], tuple[State, Array]], state: State, steps: Array) -> tuple[State, Array]:
    made = []
    for step in steps:
        state, output = body(state, step)
        made.append(output)
    return state, np.stack(made)


def made_by(outputs: Array, state: State, *, sequence_output: bool) -> tuple[Array, ...]:
    """What a layer makes of `run`'s results: all outputs or the last, then the states, as they lie between layers.

    A layer that goes backwards gives its outputs in the order in which it makes them, that of the last input first.
    NeuralNetwork.proto does not say so; coremltools' tests of `reverseInput` (test_recurrent.py, of its MIL operators)
    expect it of the runtime.
    """
    return blob_of(outputs if sequence_output else outputs[:, -1:]), *(blob_of(each[:, None]) for each in state)


def run_lstm(
    layer: LSTM, weights: LayerWeights, x: Array, states: tuple[Array, ...], xp: Namespace, *, backwards: bool
) -> tuple[Array, State]:
    """One run of an LSTM over x [N, sequence, C]: as `run` answers (`LSTMParams`).

    The states are y and c; `states` are those that the layer reads, [N, 1, 1, 1, 1, outputs].

    i = f(clip(W_i x + R_i y + p_i * c + b_i)), the same for the forget gate with 1 more where there is `forget_bias`;
    z = g(clip(W_z x + R_z y + b_z)); c' = c * forget + i * z, or c * (1 - i) + i * z where they are coupled, held
    within `cell_clip_threshold`; o = f(clip(W_o x + R_o y + p_o * c' + b_o)); y' = h(c') * o. The arrays of one run
    go by the names of `LSTM.array_names`.
    """
    f, g, h = (partial(activated, activation, xp=xp) for activation in layer.activations)
    recursion = stacked(weights, GATES, "recursion_matrix", xp)

    def advance(given: Array, state: State) -> State:
        y, c = state
        into_i, into_f, into_z, into_o = parted(given + y @ recursion.T, len(GATES))
        if layer.forget_bias:
            # As NeuralNetwork.proto says. coremltools issue 309 tells of a runtime that added nothing.
            into_f = into_f + 1
        if layer.has_peephole_vectors:
            into_i = into_i + weights["input_gate_peephole_vector"] * c
            into_f = into_f + weights["forget_gate_peephole_vector"] * c
        i, z = f(gated(into_i, xp)), g(gated(into_z, xp))
        kept = 1 - i if layer.coupled_input_and_forget_gate else f(gated(into_f, xp))
        c = held(c * kept + i * z, -layer.cell_clip_threshold, layer.cell_clip_threshold, xp)
        if layer.has_peephole_vectors:
            into_o = into_o + weights["output_gate_peephole_vector"] * c
        return h(c) * f(gated(into_o, xp)), c

    given = projected(weights, GATES, x, xp, has_bias=layer.has_bias_vectors)
    before = states_of(states, 2, given, layer.output_vector_size, xp)
    return run(advance, given, before, xp, backwards=backwards)


def projected(weights: LayerWeights, gates: tuple[str, ...], x: Array, xp: Namespace, *, has_bias: bool) -> Array:
    """W x + b of several gates for every step at once, [..., C] -> [..., gates * outputs]."""
    made = x @ stacked(weights, gates, "weight_matrix", xp).T
    return made + stacked(weights, gates, "bias_vector", xp) if has_bias else made


def stacked(weights: LayerWeights, gates: tuple[str, ...], kind: str, xp: Namespace) -> Array:
    """The arrays of one kind of several gates, one below the other."""
    return xp.concatenate([weights[f"{gate}_{kind}"] for gate in gates])


def parted(x: Array, count: int) -> tuple[Array, ...]:
    """The parts of [..., count * outputs] that belong to each of `count` gates, [..., outputs] each."""
    size = x.shape[-1] // count
    return tuple(x[..., place * size : (place + 1) * size] for place in range(count))


def gated(x: Array, xp: Namespace) -> Array:
    """`clip` of NeuralNetwork.proto."""
    return held(x, -GATE_LIMIT, GATE_LIMIT, xp)


def held(x: Array, low: float, high: float, xp: Namespace) -> Array:
    """x, or the limit that it is beyond, with the gradient 0 there. What is not a number stays so."""
    return xp.where(x > high, high, xp.where(x < low, low, x))


def activated(activation: RecurrentActivation, x: Array, xp: Namespace) -> Array:
    """An activation of each number; formulas with the classes of `activation`."""
    match activation:
        case LinearActivation():
            return x
        case ReLUActivation():
            return xp.where(x <= 0, 0, x)
        case TanhActivation():
            return xp.tanh(x)
        case SigmoidActivation():
            # As in `pippin.network.layers.sigmoid`: a cell may be large.
            return xp.exp(-xp.logaddexp(0, -x))
        case ScaledTanhActivation():
            return activation.alpha * xp.tanh(activation.beta * x)
        case SigmoidHardActivation():
            return held(activation.alpha * x + activation.beta, 0, 1, xp)


def of_run(weights: LayerWeights, run: str) -> Mapping[str, Array]:
    """The arrays of one of `Recurrent.runs`, by the names that they have within it."""
    return {key.removeprefix(run): array for key, array in weights.items() if key.startswith(run)}

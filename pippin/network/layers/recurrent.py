"""Recurrent layers: simple, GRU, and uni- and bidirectional LSTM."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import TypeAlias

import numpy as np

from pippin.models.spec.layers.recurrent import GATES, GRU, LSTM, BiDirectionalLSTM, SimpleRecurrent, UniDirectionalLSTM
from pippin.models.spec.recurrent import (
    LinearActivation,
    RecurrentActivation,
    ReLUActivation,
    ScaledTanhActivation,
    SigmoidActivation,
    SigmoidHardActivation,
    TanhActivation,
)
from pippin.network.arrays import Array, LayerWeights, Namespace
from pippin.network.step import Step

State: TypeAlias = tuple[Array, ...]
"""The states that a step passes to the next step, [N, outputs] each; the first is the step's output."""

GATE_LIMIT = 50.0
"""The limit of the absolute value of the input of a gate's activation (`clip` of NeuralNetwork.proto)."""


def vectors_of(blob: Array) -> Array:
    """The vectors of a sequence, [N, sequence, 1, 1, 1, C] -> [N, sequence, C]."""
    return blob[:, :, 0, 0, 0]


def blob_of(vectors: Array) -> Array:
    """A sequence in the layout between layers, [N, sequence, C] -> [N, sequence, 1, 1, 1, C]."""
    return vectors[:, :, None, None, None]


def states_of(blobs: tuple[Array, ...], count: int, inputs: Array, outputs: int, xp: Namespace) -> State:
    """The `count` initial states, [N, outputs] each; missing states are zeros.

    Args:
        blobs: The states that the layer reads, [N, 1, 1, 1, 1, outputs].
        count: The number of states of the layer.
        inputs: The input of each step, [N, sequence, ...]; its dtype is used for the states.
        outputs: The layer's `output_vector_size`.
        xp: numpy or jax.numpy.
    """
    zeros = xp.zeros((inputs.shape[0], outputs), dtype=inputs.dtype)
    read = tuple(vectors_of(blob)[:, 0].astype(inputs.dtype) for blob in blobs)
    return read + (zeros,) * (count - len(read))


def run(
    advance: Callable[[Array, State], State], inputs: Array, state: State, xp: Namespace, *, backwards: bool
) -> tuple[Array, State]:
    """Process a sequence: the outputs in the order of computation, and the final states.

    Args:
        advance: Returns the states after a step from the step's input and the states before it.
        inputs: The input of each step, [N, sequence, ...].
        state: The initial states.
        xp: numpy or jax.numpy.
        backwards: Whether to process the sequence from its end.

    Returns:
        The outputs, [N, sequence, outputs], and the final states.
    """

    def body(state: State, inputs: Array) -> tuple[State, Array]:
        state = advance(inputs, state)
        return state, state[0]

    steps = xp.moveaxis(inputs[:, ::-1] if backwards else inputs, 1, 0)
    state, outputs = _scan_of(xp)(body, state, steps)
    return xp.moveaxis(outputs, 0, 1), state


def _scan_of(xp: Namespace) -> Callable[..., tuple[State, Array]]:
    """The loop over the first axis; for JAX its `scan`, which compiles the body once for all steps.

    With an unrolled loop XLA took 40 s to compile an LSTM's gradient for 32 steps and minutes for 128; 4 s with `scan`.
    """
    if xp is np:
        return _scan
    # JAX is installed only in workers and is not a dependency of this package.
    from jax.lax import scan  # noqa: PLC0415

    return scan


def _scan(body: Callable[[State, Array], tuple[State, Array]], state: State, steps: Array) -> tuple[State, Array]:
    outputs = []
    for step in steps:
        state, output = body(state, step)
        outputs.append(output)
    return state, np.stack(outputs)


def layer_outputs(outputs: Array, state: State, *, sequence_output: bool) -> tuple[Array, ...]:
    """A layer's outputs from the results of `run`: all outputs or the last, then the states, in the layout of blobs.

    A backward layer returns its outputs in the order of computation, that of the last input first. NeuralNetwork.proto
    does not specify this; coremltools' tests of `reverseInput` (test_recurrent.py of its MIL operators) expect it of
    the runtime.
    """
    return blob_of(outputs if sequence_output else outputs[:, -1:]), *(blob_of(each[:, None]) for each in state)


def run_lstm(
    layer: LSTM, weights: LayerWeights, x: Array, states: tuple[Array, ...], xp: Namespace, *, backwards: bool
) -> tuple[Array, State]:
    """One run of an LSTM over x [N, sequence, C]; returns the results of `run` (`LSTMParams`).

    The states are y and c; `states` are the states that the layer reads, [N, 1, 1, 1, 1, outputs].

    i = f(clip(W_i x + R_i y + p_i * c + b_i)); the forget gate is the same, plus 1 with `forget_bias`;
    z = g(clip(W_z x + R_z y + b_z)); c' = c * forget + i * z, or c * (1 - i) + i * z with coupled gates, clipped to
    `cell_clip_threshold`; o = f(clip(W_o x + R_o y + p_o * c' + b_o)); y' = h(c') * o. The arrays of one run have the
    names of `LSTM.array_names`.
    """
    f, g, h = (partial(activated, activation, xp=xp) for activation in layer.activations)
    recursion = stacked(weights, GATES, "recursion_matrix", xp)

    def advance(inputs: Array, state: State) -> State:
        y, c = state
        into_i, into_f, into_z, into_o = split_gates(inputs + y @ recursion.T, len(GATES))
        if layer.forget_bias:
            # As specified in NeuralNetwork.proto. coremltools issue 309 reports a runtime that adds nothing.
            into_f = into_f + 1
        if layer.has_peephole_vectors:
            into_i = into_i + weights["input_gate_peephole_vector"] * c
            into_f = into_f + weights["forget_gate_peephole_vector"] * c
        i, z = f(clip_gate(into_i, xp)), g(clip_gate(into_z, xp))
        kept = 1 - i if layer.coupled_input_and_forget_gate else f(clip_gate(into_f, xp))
        c = clamp(c * kept + i * z, -layer.cell_clip_threshold, layer.cell_clip_threshold, xp)
        if layer.has_peephole_vectors:
            into_o = into_o + weights["output_gate_peephole_vector"] * c
        return h(c) * f(clip_gate(into_o, xp)), c

    inputs = project(weights, GATES, x, xp, has_bias=layer.has_bias_vectors)
    before = states_of(states, 2, inputs, layer.output_vector_size, xp)
    return run(advance, inputs, before, xp, backwards=backwards)


def project(weights: LayerWeights, gates: tuple[str, ...], x: Array, xp: Namespace, *, has_bias: bool) -> Array:
    """W x + b of several gates for all steps at once, [..., C] -> [..., gates * outputs]."""
    product = x @ stacked(weights, gates, "weight_matrix", xp).T
    return product + stacked(weights, gates, "bias_vector", xp) if has_bias else product


def stacked(weights: LayerWeights, gates: tuple[str, ...], kind: str, xp: Namespace) -> Array:
    """The arrays of one kind of several gates, concatenated along the first axis."""
    return xp.concatenate([weights[f"{gate}_{kind}"] for gate in gates])


def split_gates(x: Array, count: int) -> tuple[Array, ...]:
    """Split [..., count * outputs] into the parts of `count` gates, [..., outputs] each."""
    size = x.shape[-1] // count
    return tuple(x[..., place * size : (place + 1) * size] for place in range(count))


def clip_gate(x: Array, xp: Namespace) -> Array:
    """`clip` of NeuralNetwork.proto."""
    return clamp(x, -GATE_LIMIT, GATE_LIMIT, xp)


def clamp(x: Array, low: float, high: float, xp: Namespace) -> Array:
    """Clip x to the limits, with gradient 0 outside. NaN stays NaN."""
    return xp.where(x > high, high, xp.where(x < low, low, x))


def activated(activation: RecurrentActivation, x: Array, xp: Namespace) -> Array:
    """The activation of each number; the classes of `activation` document the formulas."""
    match activation:
        case LinearActivation():
            return x
        case ReLUActivation():
            return xp.where(x <= 0, 0, x)
        case TanhActivation():
            return xp.tanh(x)
        case SigmoidActivation():
            # The stable formula of `pippin.network.layers.activations`, since a cell may be large.
            return xp.exp(-xp.logaddexp(0, -x))
        case ScaledTanhActivation():
            return activation.alpha * xp.tanh(activation.beta * x)
        case SigmoidHardActivation():
            return clamp(activation.alpha * x + activation.beta, 0, 1, xp)


def arrays_of_run(weights: LayerWeights, run: str) -> Mapping[str, Array]:
    """The arrays of one of `Recurrent.runs`, by their names without the run's prefix."""
    return {key.removeprefix(run): array for key, array in weights.items() if key.startswith(run)}


def simple_recurrent(step: Step[SimpleRecurrent], x: Array, *states: Array) -> tuple[Array, ...]:
    """Process a sequence: y' = f(clip(W x + R y + b)) (`SimpleRecurrentLayerParams`, version 1).

    [N, sequence, 1, 1, 1, C] and the state [N, 1, 1, 1, 1, outputs] -> [N, sequence or 1, 1, 1, 1, outputs]
    and the state. W is [outputs, C], R [outputs, outputs], b [outputs]; clip limits to -50 and 50.
    """
    layer, weights, xp = step.layer, step.weights, step.xp
    inputs = vectors_of(x) @ weights["weight_matrix"].T
    if layer.has_bias_vector:
        inputs = inputs + weights["bias_vector"]

    def advance(inputs: Array, state: State) -> State:
        (y,) = state
        return (activated(layer.activation, clip_gate(inputs + y @ weights["recursion_matrix"].T, xp), xp),)

    before = states_of(states, 1, inputs, layer.output_vector_size, xp)
    results = run(advance, inputs, before, xp, backwards=layer.reverse_input)
    return layer_outputs(*results, sequence_output=layer.sequence_output)


_GATES = ("update_gate", "reset_gate", "output_gate")


def gru(step: Step[GRU], x: Array, *states: Array) -> tuple[Array, ...]:
    """Process a sequence (`GRULayerParams`, version 1).

    z = f(clip(W_z x + R_z y + b_z)); r = f(clip(W_r x + R_r y + b_r)); o = g(clip(W_o x + R_o (y * r) + b_o));
    y' = (1 - z) * o + z * y.

    [N, sequence, 1, 1, 1, C] and the state [N, 1, 1, 1, 1, outputs] -> [N, sequence or 1, 1, 1, 1, outputs]
    and the state. Each W is [outputs, C], each R [outputs, outputs], each b [outputs]; clip limits to -50 and 50.
    """
    layer, weights, xp = step.layer, step.weights, step.xp
    f, g = (partial(activated, activation, xp=xp) for activation in layer.activations)
    recursion = stacked(weights, _GATES[:2], "recursion_matrix", xp)

    def advance(inputs: Array, state: State) -> State:
        (y,) = state
        into_z, into_r, into_o = split_gates(inputs, len(_GATES))
        from_z, from_r = split_gates(y @ recursion.T, 2)
        z, r = f(clip_gate(into_z + from_z, xp)), f(clip_gate(into_r + from_r, xp))
        o = g(clip_gate(into_o + (y * r) @ weights["output_gate_recursion_matrix"].T, xp))
        return ((1 - z) * o + z * y,)

    inputs = project(weights, _GATES, vectors_of(x), xp, has_bias=layer.has_bias_vectors)
    before = states_of(states, 1, inputs, layer.output_vector_size, xp)
    results = run(advance, inputs, before, xp, backwards=layer.reverse_input)
    return layer_outputs(*results, sequence_output=layer.sequence_output)


def uni_directional_lstm(step: Step[UniDirectionalLSTM], x: Array, *states: Array) -> tuple[Array, ...]:
    """One run over the sequence; `run_lstm` has the formula.

    [N, sequence, 1, 1, 1, C] and two states [N, 1, 1, 1, 1, outputs] -> [N, sequence or 1, 1, 1, 1,
    outputs] and both states (`UniDirectionalLSTMLayerParams`, version 1).
    """
    layer = step.layer
    results = run_lstm(layer, step.weights, vectors_of(x), states, step.xp, backwards=layer.reverse_input)
    return layer_outputs(*results, sequence_output=layer.sequence_output)


def bi_directional_lstm(step: Step[BiDirectionalLSTM], x: Array, *states: Array) -> tuple[Array, ...]:
    """Two runs over the sequence, each with separate arrays; `run_lstm` has the formula.

    [N, sequence, 1, 1, 1, C] and four states [N, 1, 1, 1, 1, outputs], (y, c) forward and (y, c) backward ->
    [N, sequence or 1, 1, 1, 1, 2 * outputs] and the four states (`BiDirectionalLSTMLayerParams`, version 1).
    An output is the forward run's output at a step, then the backward run's output at the same step; without
    `sequence_output` it is the last output of each run.
    """
    layer, xp = step.layer, step.xp
    x = vectors_of(x)
    (forward, after), (backward, after_backward) = (
        run_lstm(layer, arrays_of_run(step.weights, name), x, own, xp, backwards=backwards)
        for name, own, backwards in zip(layer.runs, (states[:2], states[2:]), (False, True), strict=True)
    )
    if layer.sequence_output:
        backward = backward[:, ::-1]
    outputs = xp.concatenate([forward, backward], axis=-1)
    return layer_outputs(outputs, (*after, *after_backward), sequence_output=layer.sequence_output)

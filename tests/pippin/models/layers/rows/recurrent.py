"""Recurrent layers: one step, one unit and one sum at a time, as NeuralNetwork.proto writes them."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from tests.pippin.models.layers.case import Case, Floats, Formula

STEPS, READ, MADE = 4, 2, 3

Vector = list[float]
Advance = Callable[[Sequence[float], tuple[Vector, ...]], tuple[Vector, ...]]

ACTIVATIONS: Mapping[str, Callable[[float], float]] = {
    "linear": lambda x: x,
    "relu": lambda x: max(0.0, x),
    "tanh": math.tanh,
    "sigmoid": lambda x: 1 / (1 + math.exp(-x)),
    "scaled_tanh": lambda x: 1.7159 * math.tanh(0.6666667 * x),
    "sigmoid_hard": lambda x: min(max(0.2 * x + 0.5, 0), 1),
}


def clip(x: float, limit: float = 50.0) -> float:
    return max(-limit, min(limit, x))


def weighed(row: Sequence[float], vector: Sequence[float]) -> float:
    return sum(weight * number for weight, number in zip(row, vector, strict=True))


def followed(
    advance: Advance, x: Floats, states: Sequence[Floats], count: int, order: Iterable[int]
) -> tuple[Floats, tuple[Floats, ...]]:
    """Outputs in the order of the steps taken, [N, steps, MADE], and states at the end, [N, MADE] each."""
    outputs, ends = [], []
    for example in range(len(x)):
        state = tuple(
            list(states[index][example].ravel()) if index < len(states) else [0.0] * MADE for index in range(count)
        )
        made = []
        for t in order:
            state = advance(list(x[example, t].ravel()), state)
            made.append(state[0])
        outputs.append(made)
        ends.append(state)
    return np.array(outputs), tuple(np.array([end[index] for end in ends]) for index in range(count))


def as_blobs(outputs: Floats, ends: Sequence[Floats], *, whole: bool) -> tuple[Floats, ...]:
    shown = outputs if whole else outputs[:, -1:]
    return shown[:, :, None, :, None, None], *(end[:, None, None, :, None, None] for end in ends)


def order(layer: Mapping[str, Any], x: Floats) -> list[int]:
    steps = list(range(x.shape[1]))
    return steps[::-1] if layer.get("reverse_input") else steps


def simple_recurrent(layer: Mapping[str, Any]) -> Formula:
    f = ACTIVATIONS[layer["activation"]["type"]]

    def formula(x: Floats, *states: Floats, **weights: Floats) -> tuple[Floats, ...]:
        w, r = weights["weight_matrix"], weights["recursion_matrix"]
        b = weights["bias_vector"] if layer.get("has_bias_vector", True) else np.zeros(MADE)

        def advance(x: Sequence[float], state: tuple[Vector, ...]) -> tuple[Vector, ...]:
            (y,) = state
            return ([f(clip(weighed(w[u], x) + weighed(r[u], y) + b[u])) for u in range(MADE)],)

        made = followed(advance, x, states, 1, order(layer, x))
        return as_blobs(*made, whole=layer.get("sequence_output", False))

    return formula


def gru(layer: Mapping[str, Any]) -> Formula:
    f, g = (ACTIVATIONS[activation["type"]] for activation in layer["activations"])

    def formula(x: Floats, *states: Floats, **weights: Floats) -> tuple[Floats, ...]:
        w = {gate: weights[f"{gate}_gate_weight_matrix"] for gate in ("update", "reset", "output")}
        r = {gate: weights[f"{gate}_gate_recursion_matrix"] for gate in w}
        b = {gate: weights.get(f"{gate}_gate_bias_vector", np.zeros(MADE)) for gate in w}

        def into(gate: str, u: int, x: Sequence[float], seen: Sequence[float]) -> float:
            return clip(weighed(w[gate][u], x) + weighed(r[gate][u], seen) + b[gate][u])

        def advance(x: Sequence[float], state: tuple[Vector, ...]) -> tuple[Vector, ...]:
            (y,) = state
            z = [f(into("update", u, x, y)) for u in range(MADE)]
            reset = [f(into("reset", u, x, y)) for u in range(MADE)]
            c = [y[u] * reset[u] for u in range(MADE)]
            o = [g(into("output", u, x, c)) for u in range(MADE)]
            return ([(1 - z[u]) * o[u] + z[u] * y[u] for u in range(MADE)],)

        made = followed(advance, x, states, 1, order(layer, x))
        return as_blobs(*made, whole=layer.get("sequence_output", False))

    return formula


def lstm_step(layer: Mapping[str, Any], weights: Mapping[str, Floats]) -> Advance:
    f, g, h = (ACTIVATIONS[activation["type"]] for activation in layer["activations"])
    nothing = np.zeros(MADE)
    w = {part: weights[f"{part}_weight_matrix"] for part in ("input_gate", "forget_gate", "block_input", "output_gate")}
    r = {part: weights[f"{part}_recursion_matrix"] for part in w}
    b = {part: weights.get(f"{part}_bias_vector", nothing) for part in w}
    p = {part: weights.get(f"{part}_peephole_vector", nothing) for part in w}
    one = 1.0 if layer.get("forget_bias") else 0.0
    limit = layer.get("cell_clip_threshold") or 50.0

    def advance(x: Sequence[float], state: tuple[Vector, ...]) -> tuple[Vector, ...]:
        y, before = state
        made, cell = [], []
        for u in range(MADE):
            given = {part: weighed(w[part][u], x) + weighed(r[part][u], y) + b[part][u] for part in w}
            i = f(clip(given["input_gate"] + p["input_gate"][u] * before[u]))
            forget = f(clip(given["forget_gate"] + p["forget_gate"][u] * before[u] + one))
            z = g(clip(given["block_input"]))
            if layer.get("coupled_input_and_forget_gate"):
                c = before[u] * (1 - i) + i * z
            else:
                c = before[u] * forget + i * z
            c = clip(c, limit)
            o = f(clip(given["output_gate"] + p["output_gate"][u] * c))
            made.append(h(c) * o)
            cell.append(c)
        return made, cell

    return advance


def uni_directional_lstm(layer: Mapping[str, Any]) -> Formula:
    def formula(x: Floats, *states: Floats, **weights: Floats) -> tuple[Floats, ...]:
        made = followed(lstm_step(layer, weights), x, states, 2, order(layer, x))
        return as_blobs(*made, whole=layer.get("sequence_output", False))

    return formula


def bi_directional_lstm(layer: Mapping[str, Any]) -> Formula:
    def formula(x: Floats, *states: Floats, **weights: Floats) -> tuple[Floats, ...]:
        way: dict[str, dict[str, Floats]] = {"forward": {}, "backward": {}}
        for key, array in weights.items():
            direction, name = key.split(".")
            way[direction][name] = array
        steps = list(range(x.shape[1]))
        yf, ends = followed(lstm_step(layer, way["forward"]), x, states[:2], 2, steps)
        yb, back = followed(lstm_step(layer, way["backward"]), x, states[2:], 2, steps[::-1])
        if layer.get("sequence_output"):
            pairs = [np.concatenate([yf[:, t], yb[:, len(steps) - 1 - t]], axis=-1) for t in steps]
        else:
            pairs = [np.concatenate([yf[:, -1], yb[:, -1]], axis=-1)]
        return as_blobs(np.stack(pairs, axis=1), (*ends, *back), whole=True)

    return formula


FORMULAS = {
    "simple_recurrent": (simple_recurrent, 1),
    "gru": (gru, 1),
    "uni_directional_lstm": (uni_directional_lstm, 2),
    "bi_directional_lstm": (bi_directional_lstm, 4),
}

TYPICAL: Mapping[str, Mapping[str, Any]] = {
    "simple_recurrent": {"activation": {"type": "tanh"}},
    "gru": {"activations": [{"type": "sigmoid"}, {"type": "tanh"}]},
    "uni_directional_lstm": {"activations": [{"type": "sigmoid"}, {"type": "tanh"}, {"type": "tanh"}]},
    "bi_directional_lstm": {"activations": [{"type": "sigmoid"}, {"type": "tanh"}, {"type": "tanh"}]},
}


def row(
    name: str,
    kind: str,
    fields: Mapping[str, Any] | None = None,
    *,
    given: int | None = None,
    mapping: str = "exact",
    reach: float = 2.0,
) -> Case:
    """A row of a type in one of its modes.

    Args:
        name: What is special about it.
        kind: The type.
        fields: What is not typical.
        given: How many states the layer reads; left out, all.
        mapping: "exact" makes it a sequence of `STEPS`, "rank5" of one.
        reach: How far from 0 the inputs' numbers are.
    """
    formula, states = FORMULAS[kind]
    layer = {"type": kind, "output_vector_size": MADE} | dict(TYPICAL[kind]) | dict(fields or {})
    read = [READ] + [MADE] * (states if given is None else given)
    if mapping == "exact":
        inputs = [[1 if index else STEPS, 1, size, 1, 1] for index, size in enumerate(read)]
    else:
        inputs = [[size] for size in read]
    return Case(name, layer, inputs, formula(layer), outputs=states + 1, mapping=mapping, low=-reach, high=reach)


def kinds(*names: str) -> list[dict[str, str]]:
    return [{"type": name} for name in names]


ALL: dict[str, Any] = {"sequence_output": True}
BACK: dict[str, Any] = {"reverse_input": True}
PEEPHOLES: dict[str, Any] = {"has_peephole_vectors": True}
COUPLED: dict[str, Any] = {"coupled_input_and_forget_gate": True}
# As far as this, every clip holds something on both sides, and so do the flat ends of the hard sigmoid.
FAR = 60.0

CASES = [
    row("", "simple_recurrent"),
    row("of a sequence", "simple_recurrent", ALL),
    row("backwards", "simple_recurrent", BACK),
    row("of a sequence backwards", "simple_recurrent", ALL | BACK),
    row("without bias", "simple_recurrent", ALL | {"has_bias_vector": False}),
    *(row(kind, "simple_recurrent", ALL | {"activation": {"type": kind}}) for kind in ACTIVATIONS if kind != "tanh"),
    row("clipped", "simple_recurrent", ALL | {"activation": {"type": "linear"}}, reach=FAR),
    row("beyond the hard sigmoid's slope", "simple_recurrent", {"activation": {"type": "sigmoid_hard"}}, reach=FAR),
    row("of one step", "simple_recurrent", mapping="rank5"),
    row("", "gru"),
    row("of a sequence", "gru", ALL),
    row("without a state", "gru", ALL, given=0),
    row("backwards", "gru", BACK),
    row("of a sequence backwards", "gru", ALL | BACK),
    row("without bias", "gru", ALL | {"has_bias_vectors": False}),
    row("hard", "gru", ALL | {"activations": kinds("sigmoid_hard", "scaled_tanh")}),
    row("clipped", "gru", ALL | {"activations": kinds("sigmoid", "linear")}, reach=FAR),
    row("of one step", "gru", given=0, mapping="rank5"),
    row("", "uni_directional_lstm"),
    row("of a sequence", "uni_directional_lstm", ALL),
    row("trained", "uni_directional_lstm", {"updatable": True}, given=0),
    row("with half a state", "uni_directional_lstm", ALL, given=1),
    row("backwards", "uni_directional_lstm", BACK),
    row("of a sequence backwards", "uni_directional_lstm", ALL | BACK),
    row("without bias", "uni_directional_lstm", ALL | {"has_bias_vectors": False}),
    row("with forget bias", "uni_directional_lstm", ALL | {"forget_bias": True}),
    row("with forget bias alone", "uni_directional_lstm", {"forget_bias": True, "has_bias_vectors": False}),
    row("with peepholes", "uni_directional_lstm", ALL | PEEPHOLES),
    row("coupled", "uni_directional_lstm", ALL | COUPLED),
    row("coupled with peepholes", "uni_directional_lstm", ALL | COUPLED | PEEPHOLES),
    row("with a low cell clip", "uni_directional_lstm", ALL | {"cell_clip_threshold": 0.25}),
    row("with a low cell clip and peepholes", "uni_directional_lstm", PEEPHOLES | {"cell_clip_threshold": 0.25}),
    row("without a cell clip of its own", "uni_directional_lstm", {"cell_clip_threshold": 0.0}),
    row("hard", "uni_directional_lstm", {"activations": kinds("sigmoid_hard", "scaled_tanh", "sigmoid")}),
    row("clipped", "uni_directional_lstm", ALL | {"activations": kinds("sigmoid", "linear", "linear")}, reach=FAR),
    row(
        "with every flag",
        "uni_directional_lstm",
        ALL | BACK | PEEPHOLES | COUPLED | {"forget_bias": True, "cell_clip_threshold": 0.5},
    ),
    row("of one step", "uni_directional_lstm", mapping="rank5"),
    row("", "bi_directional_lstm"),
    row("of a sequence", "bi_directional_lstm", ALL),
    row("without states", "bi_directional_lstm", ALL, given=0),
    row("with the forward states", "bi_directional_lstm", given=2),
    row("without bias", "bi_directional_lstm", ALL | {"has_bias_vectors": False}),
    row("with forget bias", "bi_directional_lstm", {"forget_bias": True}),
    row("with peepholes", "bi_directional_lstm", ALL | PEEPHOLES),
    row("coupled", "bi_directional_lstm", COUPLED),
    row("hard", "bi_directional_lstm", ALL | {"activations": kinds("sigmoid_hard", "scaled_tanh", "sigmoid")}),
    row(
        "with every flag",
        "bi_directional_lstm",
        ALL | PEEPHOLES | COUPLED | {"forget_bias": True, "cell_clip_threshold": 0.5},
    ),
    row("of one step", "bi_directional_lstm", given=0, mapping="rank5"),
]

"""The gated recurrent unit."""

from functools import partial

from pippin.models.spec.layers.gru import GRU
from pippin.network.arrays import Array
from pippin.network.recurrent import (
    State,
    activated,
    gated,
    made_by,
    parted,
    projected,
    run,
    stacked,
    states_of,
    vectors_of,
)
from pippin.network.step import Step

_GATES = ("update_gate", "reset_gate", "output_gate")


def gru(step: Step[GRU], x: Array, *states: Array) -> tuple[Array, ...]:
    """Go through a sequence (`GRULayerParams`, version 1).

    z = f(clip(W_z x + R_z y + b_z)); r = f(clip(W_r x + R_r y + b_r)); o = g(clip(W_o x + R_o (y * r) + b_o));
    y' = (1 - z) * o + z * y.

    [N, sequence, 1, 1, 1, C] and the state [N, 1, 1, 1, 1, outputs] -> [N, sequence or 1, 1, 1, 1, outputs]
    and the state. Each W is [outputs, C], each R [outputs, outputs], each b [outputs]; clip holds within -50 and 50.
    """
    layer, weights, xp = step.layer, step.weights, step.xp
    f, g = (partial(activated, activation, xp=xp) for activation in layer.activations)
    recursion = stacked(weights, _GATES[:2], "recursion_matrix", xp)

    def advance(given: Array, state: State) -> State:
        (y,) = state
        into_z, into_r, into_o = parted(given, len(_GATES))
        from_z, from_r = parted(y @ recursion.T, 2)
        z, r = f(gated(into_z + from_z, xp)), f(gated(into_r + from_r, xp))
        o = g(gated(into_o + (y * r) @ weights["output_gate_recursion_matrix"].T, xp))
        return ((1 - z) * o + z * y,)

    given = projected(weights, _GATES, vectors_of(x), xp, has_bias=layer.has_bias_vectors)
    before = states_of(states, 1, given, layer.output_vector_size, xp)
    made = run(advance, given, before, xp, backwards=layer.reverse_input)
    return made_by(*made, sequence_output=layer.sequence_output)

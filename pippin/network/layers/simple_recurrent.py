"""The simple recurrent layer."""

from pippin.models.spec.layers.simple_recurrent import SimpleRecurrent
from pippin.network.arrays import Array
from pippin.network.recurrent import State, activated, gated, made_by, run, states_of, vectors_of
from pippin.network.step import Step


def simple_recurrent(step: Step[SimpleRecurrent], x: Array, *states: Array) -> tuple[Array, ...]:
    """Go through a sequence: y' = f(clip(W x + R y + b)) (`SimpleRecurrentLayerParams`, version 1).

    [N, sequence, 1, 1, 1, C] and the state [N, 1, 1, 1, 1, outputs] -> [N, sequence or 1, 1, 1, 1, outputs]
    and the state. W is [outputs, C], R [outputs, outputs], b [outputs]; clip holds within -50 and 50.
    """
    layer, weights, xp = step.layer, step.weights, step.xp
    given = vectors_of(x) @ weights["weight_matrix"].T
    if layer.has_bias_vector:
        given = given + weights["bias_vector"]

    def advance(given: Array, state: State) -> State:
        (y,) = state
        return (activated(layer.activation, gated(given + y @ weights["recursion_matrix"].T, xp), xp),)

    before = states_of(states, 1, given, layer.output_vector_size, xp)
    made = run(advance, given, before, xp, backwards=layer.reverse_input)
    return made_by(*made, sequence_output=layer.sequence_output)

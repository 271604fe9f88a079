"""The long short-term memory that goes one way."""

from pippin.models.spec.layers.uni_directional_lstm import UniDirectionalLSTM
from pippin.network.arrays import Array
from pippin.network.recurrent import made_by, run_lstm, vectors_of
from pippin.network.step import Step


def uni_directional_lstm(step: Step[UniDirectionalLSTM], x: Array, *states: Array) -> tuple[Array, ...]:
    """One run over the sequence; `pippin.network.recurrent.run_lstm` has the formula.

    [N, sequence, 1, 1, 1, C] and two states [N, 1, 1, 1, 1, outputs] -> [N, sequence or 1, 1, 1, 1,
    outputs] and both states (`UniDirectionalLSTMLayerParams`, version 1).
    """
    layer = step.layer
    made = run_lstm(layer, step.weights, vectors_of(x), states, step.xp, backwards=layer.reverse_input)
    return made_by(*made, sequence_output=layer.sequence_output)

"""The long short-term memory that goes both ways."""

from pippin.models.spec.layers.bi_directional_lstm import BiDirectionalLSTM
from pippin.network.arrays import Array
from pippin.network.recurrent import made_by, of_run, run_lstm, vectors_of
from pippin.network.step import Step


def bi_directional_lstm(step: Step[BiDirectionalLSTM], x: Array, *states: Array) -> tuple[Array, ...]:
    """Two runs over the sequence, each with arrays of its own; `pippin.network.recurrent.run_lstm` has the formula.

    [N, sequence, 1, 1, 1, C] and four states [N, 1, 1, 1, 1, outputs], (y, c) forward and (y, c) backward ->
    [N, sequence or 1, 1, 1, 1, 2 * outputs] and the four states (`BiDirectionalLSTMLayerParams`, version 1).
    An output is the forward run's at its step, then the backward run's at the same step; without the sequence it is the
    last that each run makes.
    """
    layer, xp = step.layer, step.xp
    x = vectors_of(x)
    (forward, after), (backward, after_backward) = (
        run_lstm(layer, of_run(step.weights, name), x, own, xp, backwards=backwards)
        for name, own, backwards in zip(layer.runs, (states[:2], states[2:]), (False, True), strict=True)
    )
    if layer.sequence_output:
        backward = backward[:, ::-1]
    outputs = xp.concatenate([forward, backward], axis=-1)
    return made_by(outputs, (*after, *after_backward), sequence_output=layer.sequence_output)

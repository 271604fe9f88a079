"""Recurrent layers: models that read them, where their arrays stand in a file, and what these begin with."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from coremltools.models import datatypes
from coremltools.models.neural_network import NeuralNetworkBuilder
from coremltools.proto import NeuralNetwork_pb2
from numpy.typing import NDArray

from pippin.models.spec import Layer, Shape, resolve
from pippin.models.spec.layers.recurrent import GRU, BiDirectionalLSTM, SimpleRecurrent, UniDirectionalLSTM
from pippin.models.spec.recurrent import read_activation
from pippin.models.spec.weights import initial_weights
from tests.support.specs import DENSE, faults_of, small_spec

SIGMOID, TANH = {"type": "sigmoid"}, {"type": "tanh"}
ACTIVATIONS = "of the gates, of the block input, and of the cell"
SEQUENCE: Shape = (7, 1, 2, 1, 1)
STATE: Shape = (1, 1, 3, 1, 1)


def simple(**fields: object) -> SimpleRecurrent:
    return SimpleRecurrent(**{"name": "s", "output_vector_size": 3, "activation": TANH} | fields)


def gru(**fields: object) -> GRU:
    return GRU(**{"name": "g", "output_vector_size": 3, "activations": (SIGMOID, TANH)} | fields)


def lstm(**fields: object) -> UniDirectionalLSTM:
    return UniDirectionalLSTM(**{"name": "l", "output_vector_size": 3, "activations": (SIGMOID, TANH, TANH)} | fields)


def both_ways(**fields: object) -> BiDirectionalLSTM:
    return BiDirectionalLSTM(**{"name": "b", "output_vector_size": 3, "activations": (SIGMOID, TANH, TANH)} | fields)


def document(**layer: object) -> dict[str, Any]:
    """A model that reads a sequence of 7 vectors with 2 numbers and two states."""
    return small_spec(
        inputs=[
            {"name": "x", "shape": list(SEQUENCE)},
            {"name": "h", "shape": list(STATE)},
            {"name": "c", "shape": list(STATE)},
        ],
        outputs=[{"name": "y"}],
        array_input_shape_mapping="exact",
        layers=[{"name": "layer", "output_vector_size": 3} | layer, DENSE | {"input": "z", "output": "y"}],
        loss={"type": "mean_squared_error"},
    )


LSTM: dict[str, object] = {
    "type": "uni_directional_lstm",
    "input": ["x", "h", "c"],
    "output": ["z", "last", "cell"],
    "activations": [SIGMOID, TANH, TANH],
}


@pytest.mark.parametrize(
    ("layer", "faults"),
    [
        (
            {"type": "simple_recurrent", "input": "x", "output": ["z", "last"], "activation": TANH},
            {"/layers/0/input": "found 1 blobs; simple_recurrent needs 2"},
        ),
        (
            {"type": "gru", "input": "x", "output": "z", "activations": [SIGMOID, TANH]},
            {"/layers/0/output": "found 1 blobs; gru needs 2"},
        ),
        (
            LSTM | {"input": ["x", "h", "c", "x"]},
            {"/layers/0/input": "found 4 blobs; uni_directional_lstm needs 1 to 3"},
        ),
        (LSTM | {"type": "bi_directional_lstm"}, {"/layers/0/output": "found 3 blobs; bi_directional_lstm needs 5"}),
        (
            LSTM | {"activations": [SIGMOID, {"type": "scaled_tanh", "alpha": 1.71}, TANH]},
            {"/layers/0/activations/1/alpha": "found 1.71; inside a recurrent layer Core ML has it as 1.7159 only"},
        ),
        (
            LSTM | {"activations": [SIGMOID, TANH, {"type": "tanh", "alpha": 1.0}]},
            {"/layers/0/activations/2/alpha": "there is no field 'alpha'"},
        ),
        (
            LSTM | {"activations": [SIGMOID, TANH]},
            {"/layers/0/activations": f"found a list of 2; needs [f, g, h]: {ACTIVATIONS}"},
        ),
        (LSTM | {"cell_clip_threshold": -1.0}, {"/layers/0/cell_clip_threshold": "found -1.0; needs 0 or more"}),
    ],
)
def test_a_spec_with_such_a_layer_is_refused(layer: dict[str, object], faults: dict[str, str]) -> None:
    found = faults_of(document(**layer))
    assert {pointer: detail for pointer, detail in found.items() if pointer.startswith("/layers/0")} == faults


def test_activations_match_the_proto() -> None:
    found = faults_of(document(**LSTM | {"activations": [SIGMOID, TANH, {"type": "elu"}]}))
    detail = found["/layers/0/activations/2/type"]
    assert detail.startswith("found 'elu'; needs one of linear, ")
    assert set(detail.split(" of ")[1].split(";")[0].split(", ")) == {
        "linear", "relu", "tanh", "sigmoid", "scaled_tanh", "sigmoid_hard",
    }  # fmt: skip


def test_a_sequence_needs_all_five_lengths() -> None:
    spec = document(**LSTM)
    spec["inputs"][0]["shape"] = [7, 2]
    found = faults_of(spec)
    assert found["/layers/0/input"] == (
        "found a blob of shape [7, 2], rank 2; uni_directional_lstm needs rank 5 or more"
    )


def test_unidirectional_lstm_can_be_trained() -> None:
    layer = resolve(document(**LSTM | {"updatable": True})).layers[0].layer
    assert layer.updatable
    assert (layer.trainable, layer.passes_gradient) == (True, True)
    assert not any(kind.trainable or kind.passes_gradient for kind in (SimpleRecurrent, GRU, BiDirectionalLSTM))


@pytest.mark.parametrize("given", [0.0, 1e-60, 50.0])
def test_a_cell_clip_of_zero_is_fifty(given: float) -> None:
    assert lstm(cell_clip_threshold=given).cell_clip_threshold == 50


def test_matrices_are_drawn_and_vectors_are_zeros() -> None:
    resolved = resolve(document(**LSTM | {"has_peephole_vectors": True, "initializer": "glorot_uniform"}))
    arrays = initial_weights(resolved)["layer"]
    assert arrays.keys() == resolved.layers[0].weight_shapes.keys()
    for key, array in arrays.items():
        if key.endswith("vector"):
            assert not array.any()
        else:
            limit = (6 / sum(array.shape)) ** 0.5
            assert 0.4 * limit < np.abs(array).max() <= limit
    drawn = [array.tobytes() for key, array in arrays.items() if key.endswith("recursion_matrix")]
    assert len(set(drawn)) == len(drawn) == 4


def test_given_arrays_are_the_initial_weights() -> None:
    numbers = {"forward": 0.5, "backward": 0.25}
    arrays: dict[str, dict[str, object]] = {way: {} for way in numbers}
    for key, shape in both_ways().weight_shapes((SEQUENCE,)).items():
        way, _, name = key.partition(".")
        arrays[way][name] = np.full(shape, numbers[way]).tolist()
    layer = LSTM | {
        "type": "bi_directional_lstm",
        "input": "x",
        "output": ["z", "h1", "c1", "h2", "c2"],
        "weights": arrays,
    }
    weights = initial_weights(resolve(document(**layer)))["layer"]
    assert {key: set(array.ravel().tolist()) for key, array in weights.items()} == {
        f"{way}.{name}": {numbers[way]} for way in numbers for name in both_ways().array_names
    }


def test_writing_backward_weights_adds_a_second_set() -> None:
    message = NeuralNetwork_pb2.BiDirectionalLSTMLayerParams()
    both_ways().weight_message(message, "backward.block_input_bias_vector").floatValue.append(1)
    assert [list(way.blockInputBiasVector.floatValue) for way in message.weightParams] == [[], [1]]


# The constants are what the builder leaves out.
BUILDERS = {"SIGMOID": SIGMOID, "TANH": TANH, "RELU": {"type": "relu"}, "LINEAR": {"type": "linear"},
            "SIGMOID_HARD": {"type": "sigmoid_hard"}}  # fmt: skip


@pytest.mark.parametrize(("theirs", "ours"), BUILDERS.items())
def test_activations_are_read_as_the_builder_writes_them(theirs: str, ours: dict[str, str]) -> None:
    message = new_builder().add_simple_rnn(
        "r", np.ones((3, 3)), np.ones((3, 2)), None, 3, 2, theirs, ["x", "h"], ["y", "last"]
    )
    assert SimpleRecurrent.read(message.simpleRecurrent)["activation"] == ours


def new_builder() -> NeuralNetworkBuilder:
    return NeuralNetworkBuilder(
        [("x", datatypes.Array(2)), ("h", datatypes.Array(3))],
        [("y", datatypes.Array(3))],
        disable_rank5_shape_mapping=True,
    )


def numbers(shape: tuple[int, ...], seed: int) -> NDArray[np.float32]:
    return np.random.default_rng(seed).random(shape, dtype=np.float32)


def held_in(layer: Layer, message: Any, keys: Mapping[str, Shape]) -> dict[str, list[float]]:  # noqa: ANN401 - protobuf
    return {key: list(layer.weight_message(message, key).floatValue) for key in keys}


def test_builder_lstm_reads_back() -> None:
    gates = {"input_gate": 0, "forget_gate": 1, "output_gate": 2, "block_input": 3}
    recursions = [numbers((3, 3), index) for index in range(4)]
    matrices = [numbers((3, 2), 10 + index) for index in range(4)]
    biases = [numbers((3,), 20 + index) for index in range(4)]
    peepholes = [numbers((3,), 30 + index) for index in range(3)]
    message = new_builder().add_unilstm(
        "l", recursions, matrices, biases, 3, 2, ["x", "h", "c"], ["y", "h1", "c1"], peep=peepholes, output_all=True,
        forget_bias=True, coupled_input_forget_gate=True, cell_clip_threshold=500.0, reverse_input=True,
    ).uniDirectionalLSTM  # fmt: skip
    layer = lstm(**UniDirectionalLSTM.read(message))
    assert layer == lstm(
        input_vector_size=2, sequence_output=True, forget_bias=True, has_peephole_vectors=True,
        coupled_input_and_forget_gate=True, cell_clip_threshold=500.0, reverse_input=True,
    )  # fmt: skip
    expected = {
        f"{gate}_{kind}": arrays[place].ravel().tolist()
        for kind, arrays in (
            ("weight_matrix", matrices),
            ("recursion_matrix", recursions),
            ("bias_vector", biases),
            ("peephole_vector", peepholes),
        )
        for gate, place in gates.items()
        if place < len(arrays)
    }
    assert held_in(layer, message, layer.weight_shapes((SEQUENCE,))) == expected


def test_builder_directions_are_distinguished() -> None:
    ways = [([numbers((3, 3), seed)] * 4, [numbers((3, 2), seed)] * 4, [numbers((3,), seed)] * 4) for seed in (1, 2)]
    message = new_builder().add_bidirlstm(
        "b", *ways[0], *ways[1], 3, 2, ["x", "h", "c", "hb", "cb"], ["y", "h1", "c1", "h2", "c2"]
    ).biDirectionalLSTM  # fmt: skip
    layer = both_ways(**BiDirectionalLSTM.read(message))
    for key, values in held_in(layer, message, layer.weight_shapes((SEQUENCE,))).items():
        arrays = ways[0 if key.startswith("forward.") else 1]
        kind = next(
            place for place, end in enumerate(("recursion_matrix", "weight_matrix", "vector")) if key.endswith(end)
        )
        assert values == arrays[kind][0].ravel().tolist()


def test_unsupported_file_fields_are_named() -> None:
    with pytest.raises(ValueError, match="found an activation of type None; a recurrent layer has one of linear, relu"):
        SimpleRecurrent.read(NeuralNetwork_pb2.SimpleRecurrentLayerParams())
    other = NeuralNetwork_pb2.ActivationParams(softplus=NeuralNetwork_pb2.ActivationSoftplus())
    with pytest.raises(ValueError, match="found an activation of type softplus"):
        GRU.read(NeuralNetwork_pb2.GRULayerParams(activations=[other]))


def test_both_directions_must_be_present_and_alike() -> None:
    tanh = NeuralNetwork_pb2.ActivationParams(tanh=NeuralNetwork_pb2.ActivationTanh())
    relu = NeuralNetwork_pb2.ActivationParams(ReLU=NeuralNetwork_pb2.ActivationReLU())
    message = NeuralNetwork_pb2.BiDirectionalLSTMLayerParams(
        activationsForwardLSTM=[tanh] * 3, activationsBackwardLSTM=[tanh, tanh, relu]
    )
    with pytest.raises(ValueError, match="found different activations for backward and forward"):
        BiDirectionalLSTM.read(message)
    message.activationsBackwardLSTM[2].CopyFrom(tanh)
    with pytest.raises(ValueError, match="found 0 sets of weights; needs 2, one per direction"):
        BiDirectionalLSTM.read(message)


def test_a_scaled_tanh_has_to_state_its_constants() -> None:
    message = NeuralNetwork_pb2.ActivationParams(scaledTanh=NeuralNetwork_pb2.ActivationScaledTanh())
    assert read_activation(message) == {"type": "scaled_tanh", "alpha": 0.0, "beta": 0.0}
    message.scaledTanh.alpha, message.scaledTanh.beta = 1.7159, 2 / 3
    assert simple(activation=read_activation(message)) == simple(activation={"type": "scaled_tanh"})

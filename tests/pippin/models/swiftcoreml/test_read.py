from typing import Any

import pytest

from pippin.models.spec.table import LAYERS
from pippin.models.swiftcoreml import SwiftDocumentError, from_swift, looks_like
from pippin.models.swiftcoreml.layers import LAYERS_BY_OURS
from tests.pippin.models.swiftcoreml.documents import dense
from tests.pippin.models.swiftcoreml.layer_cases import CASES, CONVOLUTION
from tests.support.specs import small_spec

Document = dict[str, Any]

LAYER = "neuralNetwork.layers.0"
AT_LAYER = "/neuralNetwork/layers/0"
NAMES = {"name": "layer1", "input": ["dense_input"], "output": ["output"]}
OUR_NAMES = {"name": "layer1", "input": "dense_input", "output": "output"}


def test_document_is_recognized_by_its_neural_network() -> None:
    assert looks_like(dense())
    assert not looks_like(small_spec())
    assert not any(map(looks_like, (None, [], "neuralNetwork", 3)))


def test_library_test_model_becomes_a_spec() -> None:
    translation = from_swift(dense())
    assert translation.spec == {
        "version": 4,
        "short_description": "Trivial linear classifier",
        "author": "Jacopo Mangiavacchi",
        "license": "MIT",
        "user_defined": {"SwiftCoremltoolsVersion": "0.1"},
        "inputs": [{"name": "dense_input", "shape": [1], "type": "float"}],
        "outputs": [{"name": "output", "shape": [1], "type": "float"}],
        "training_inputs": [
            {"name": "dense_input", "shape": [1], "type": "float"},
            {"name": "output_true", "shape": [1], "type": "float"},
        ],
        "layers": [
            {
                "type": "inner_product",
                "name": "layer1",
                "input": "dense_input",
                "output": "output",
                "input_channels": 1,
                "output_channels": 1,
                "updatable": True,
                "weights": [[0]],
                "bias": [0],
            }
        ],
        "loss": {"type": "mean_squared_error", "name": "lossLayer", "input": "output", "target": "output_true"},
        "optimizer": {
            "type": "sgd",
            "learning_rate": {"default": 0.01, "min": 0, "max": 0.3},
            "mini_batch_size": {"default": 5, "set": [5]},
            "momentum": {"default": 0, "min": 0, "max": 1},
        },
        "epochs": {"default": 2, "set": [2]},
        "shuffle": True,
    }
    assert translation.notes == ()


@pytest.mark.parametrize(("theirs", "base", "ours", "layer"), CASES)
def test_every_layer_type_is_read(theirs: str, base: Document, ours: str, layer: Document) -> None:
    spec = from_swift(dense({LAYER: {"type": theirs, "base": NAMES | base}})).spec
    assert spec["layers"] == [{"type": ours, **OUR_NAMES, **layer}]


def test_cases_cover_every_type() -> None:
    assert {ours for _, _, ours, _ in CASES} == LAYERS_BY_OURS.keys()


def test_spec_has_every_type_and_field_of_the_library() -> None:
    for ours, row in LAYERS_BY_OURS.items():
        assert {field.ours for field in row.fields} | row.fixed.keys() <= LAYERS[ours].model_fields.keys(), ours


def test_features_are_in_network_order() -> None:
    def feature(name: str) -> Document:
        return {name: {"name": name, "shape": [1], "featureType": "float"}}

    def layer(inputs: list[str], outputs: list[str]) -> Document:
        return {"type": "concat", "base": {"name": outputs[0], "input": inputs, "output": outputs}}

    spec = from_swift(
        dense(
            {
                "inputs": feature("a") | feature("unread") | feature("b") | feature("c"),
                "outputs": feature("y") | feature("x") | feature("output"),
                "trainingInputs": feature("output_true")
                | feature("extra")
                | feature("a")
                | feature("b")
                | feature("c"),
                "neuralNetwork.layers": [layer(["c", "a"], ["y"]), layer(["y", "b", "a"], ["output"])],
            }
        )
    ).spec
    assert [feature["name"] for feature in spec["inputs"]] == ["c", "a", "b", "unread"]
    assert [feature["name"] for feature in spec["outputs"]] == ["y", "output", "x"]
    assert [feature["name"] for feature in spec["training_inputs"]] == ["c", "a", "b", "extra", "output_true"]


@pytest.mark.parametrize(
    ("theirs", "ours", "left"),
    [
        ("losses", "loss", None),
        ("optimizer", "optimizer", None),
        ("epochDefault", "epochs", {"set": [2]}),
        ("epochSet", "epochs", {"default": 2}),
        ("shuffle", "shuffle", None),
    ],
)
@pytest.mark.parametrize("nothing", [None, ...])
def test_omitted_fields_stay_omitted(theirs: str, ours: str, left: object, nothing: object) -> None:
    spec, whole = (from_swift(dense(changes)).spec for changes in ({f"neuralNetwork.{theirs}": nothing}, {}))
    whole.pop(ours)
    assert spec == whole | ({ours: left} if left else {})


@pytest.mark.parametrize("given", [{}, None, ...])
def test_missing_training_inputs_are_left_to_the_spec(given: object) -> None:
    assert "training_inputs" not in from_swift(dense({"trainingInputs": given})).spec


# what is changed; where the note points; what it says
NOTES: list[tuple[Document, str, str]] = [
    (
        {LAYER: {"type": "convolution", "base": NAMES | CONVOLUTION | {"stride": [2, 2]}}},
        f"{AT_LAYER}/base/dilationFactor",
        "found [1, 1], which is used; SwiftCoreMLTools' own export would write the stride, [2, 2]",
    ),
    (
        {LAYER: {"type": "convolution", "base": NAMES | CONVOLUTION | {"outputShape": [3, 3]}}},
        f"{AT_LAYER}/base/outputShape",
        "found [3, 3], which Core ML does not use in this layer; ignored",
    ),
    (
        {LAYER: {"type": "convolution", "base": NAMES | CONVOLUTION | {"deconvolution": True, "weight": [0.0] * 24,
                                                                       "dilationFactor": [2, 2]}}},
        f"{AT_LAYER}/base/dilationFactor",
        "found [2, 2], which Core ML does not use",
    ),
    (
        {LAYER: {"type": "tanh", "base": NAMES | {"alpha": 1, "beta": 2}}},
        f"{AT_LAYER}/type",
        "found 'tanh' with alpha or beta, which is how SwiftCoreMLTools writes a ScaledTanh; read as one",
    ),
    ({LAYER: {"type": "pReLu", "base": NAMES}}, f"{AT_LAYER}/base", "holds no parameters"),
    ({LAYER: {"type": "parametricSoftplus", "base": NAMES}}, f"{AT_LAYER}/base", "holds no parameters"),
    ({f"{LAYER}.base.bias": ...}, f"{AT_LAYER}/base/weight", "found no 'bias' beside it; ignored"),
    ({f"{LAYER}.base.weight": None}, f"{AT_LAYER}/base/bias", "found no 'weight' beside it; ignored"),
    ({f"{LAYER}.base.input": []}, f"{AT_LAYER}/base/input", "found an empty list; the blobs are inferred"),
    ({f"{LAYER}.base.updatable": ...}, f"{AT_LAYER}/base", "found no 'updatable', which SwiftCoreMLTools always"),
    ({f"{LAYER}.base.color": "red"}, f"{AT_LAYER}/base", "found 'color', which SwiftCoreMLTools does not know"),
    ({"coffee": 1}, "", "found 'coffee'"),
    ({"neuralNetwork.seed": 1}, "/neuralNetwork", "found 'seed'"),
    ({"neuralNetwork.shuffle": None}, "/neuralNetwork", "found no 'shuffle'; using true"),
    ({"neuralNetwork.epochSet": ...}, "/neuralNetwork", "found no 'epochSet'; a job may train for any number"),
    ({"trainingInputs": {}}, "/trainingInputs", "found no training inputs"),
    (
        {"neuralNetwork.optimizer.base.momentumMax": ...},
        "/neuralNetwork/optimizer/base",
        "found no 'momentumMax', which SwiftCoreMLTools always writes",
    ),
    ({"inputs.dense_input.featureType": ...}, "/inputs/dense_input", "found no 'featureType'"),
    ({"outputs": {"y": {"name": "output", "shape": [1], "featureType": "float"}}}, "/outputs/y/name", "the key 'y'"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "pointer", "detail"), NOTES)
def test_corrected_filled_in_or_ignored_fields_get_notes(changes: Document, pointer: str, detail: str) -> None:
    (note,) = from_swift(dense(changes)).notes
    assert note.pointer == pointer
    assert detail in note.detail


def test_a_tanh_with_parameters_is_a_scaled_tanh() -> None:
    spec = from_swift(dense({LAYER: {"type": "tanh", "base": NAMES | {"alpha": 1, "beta": 2}}})).spec
    assert spec["layers"] == [{"type": "scaled_tanh", **OUR_NAMES, "alpha": 1, "beta": 2}]


@pytest.mark.parametrize("gone", [["weight"], ["bias"], ["weight", "bias"]])
def test_weight_and_bias_are_drawn_unless_both_are_given(gone: list[str]) -> None:
    (layer,) = from_swift(dense({f"{LAYER}.base.{key}": ... for key in gone})).spec["layers"]
    assert layer["initializer"] == "glorot_uniform"
    assert "weights" not in layer
    assert "bias" not in layer


def _faults(document: object) -> dict[str, str]:
    with pytest.raises(SwiftDocumentError) as raised:
        from_swift(document)
    return {fault.pointer: fault.detail for fault in raised.value.faults}


FAULTS: list[tuple[Document, str, str]] = [
    ({"neuralNetwork": 3}, "/neuralNetwork", "found 3; needs an object: losses, optimizer"),
    ({"inputs": []}, "/inputs", "found []; needs an object: each feature by its name"),
    ({"inputs.dense_input": None}, "/inputs/dense_input", "found null; needs an object: name, shape, featureType"),
    ({"inputs.dense_input.featureType": "image"}, "/inputs/dense_input/featureType", "needs one of float, int"),
    ({"neuralNetwork.layers": {}}, "/neuralNetwork/layers", "found an object; needs a list of layers"),
    ({LAYER: "relu"}, AT_LAYER, "found 'relu'; needs an object: type and base"),
    ({f"{LAYER}.type": "gru"}, f"{AT_LAYER}/type", "found 'gru'; needs one of innerProduct, convolution, pooling"),
    ({f"{LAYER}.type": "ReLu"}, f"{AT_LAYER}/type", "did you mean 'reLu'?"),
    ({f"{LAYER}.type": ...}, f"{AT_LAYER}/type", "is required: one of innerProduct"),
    ({f"{LAYER}.base": ...}, f"{AT_LAYER}/base", "found null; needs an object"),
    ({f"{LAYER}.base.weight": [1, 2]}, f"{AT_LAYER}/base/weight",
     "found 2 numbers; needs 1: outputChannels 1 x inputChannels 1"),
    ({f"{LAYER}.base.weight": 3}, f"{AT_LAYER}/base/weight", "found 3; needs a list of 1 numbers"),
    ({f"{LAYER}.base.weight": ["x"]}, f"{AT_LAYER}/base/weight/0", "needs a finite number"),
    ({f"{LAYER}.base.bias": []}, f"{AT_LAYER}/base/bias", "found 0 numbers; needs 1: outputChannels 1"),
    ({f"{LAYER}.base.inputChannels": ...}, f"{AT_LAYER}/base/inputChannels", "is required, since weights are given"),
    ({LAYER: {"type": "convolution", "base": NAMES | CONVOLUTION | {"deconvolution": 1}}},
     f"{AT_LAYER}/base/deconvolution", "found 1; needs true or false"),
    ({LAYER: {"type": "convolution", "base": NAMES | CONVOLUTION | {"paddingType": {"includeLastPixel": [1, 1]}}}},
     f"{AT_LAYER}/base/paddingType", "found none of valid, same"),
    ({LAYER: {"type": "convolution", "base": NAMES | CONVOLUTION | {"paddingType": {"same": "heavy"}}}},
     f"{AT_LAYER}/base/paddingType/same", "needs one of 'bottomRightHeavy' (bottom_right_heavy)"),
    ({LAYER: {"type": "convolution", "base": NAMES | CONVOLUTION | {"paddingType": {"valid": [1]}}}},
     f"{AT_LAYER}/base/paddingType/valid/0", "found 1; needs an object: startEdgeSize and endEdgeSize"),
    ({LAYER: {"type": "flatten", "base": NAMES | {"mode": True}}}, f"{AT_LAYER}/base/mode",
     "found true; needs one of 0 (channel_first), 1 (channel_last)"),
    ({"neuralNetwork.losses": [{"type": "mse", "base": {}}] * 2}, "/neuralNetwork/losses/1",
     "found 2 losses; Core ML trains with one"),
    ({"neuralNetwork.losses.0.type": "mae"}, "/neuralNetwork/losses/0/type", "needs one of mse, categoricalCross"),
    ({"neuralNetwork.optimizer.type": "rmsprop"}, "/neuralNetwork/optimizer/type", "needs one of sgd, adam"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "pointer", "detail"), FAULTS)
def test_untranslatable_part_is_a_fault(changes: Document, pointer: str, detail: str) -> None:
    faults = _faults(dense(changes))
    assert list(faults) == [pointer]
    assert detail in faults[pointer]


def test_all_faults_are_reported_at_once() -> None:
    faults = _faults(
        dense({"inputs": 1, f"{LAYER}.type": "lstm", "neuralNetwork.optimizer": 2, "neuralNetwork.losses": 3})
    )
    assert list(faults) == [f"{AT_LAYER}/type", "/neuralNetwork/losses", "/neuralNetwork/optimizer", "/inputs"]


@pytest.mark.parametrize("document", [None, [], 3, "model", {}])
def test_invalid_model_is_refused(document: object) -> None:
    assert list(_faults(document)) == ["/neuralNetwork" if document == {} else ""]

"""Each rule on a model that keeps it and on one that breaks it."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from pippin.errors import Fault
from pippin.models.spec import Finding, resolve
from pippin.models.spec.graph import trace
from pippin.models.spec.parse import parse
from pippin.models.spec.rules import RULES_BY_ID, TRAINING_RULES_BY_ID, WARNINGS_BY_ID
from tests.support.specs import DENSE, SOFTMAX, faults_of, small_spec

X = {"name": "x", "shape": [4], "type": "float"}
Y = {"name": "y", "shape": [3]}
CLASS = {"name": "y_true", "shape": [1], "type": "int"}
ENTROPY = {"type": "categorical_cross_entropy"}
SQUARES = {"type": "mean_squared_error"}


ALL = RULES_BY_ID | TRAINING_RULES_BY_ID | WARNINGS_BY_ID
LABEL = {"name": "classLabel", "type": "string"}
CLASSES = {"labels": ["a", "b", "c"], "probabilities": "p"}
DICTIONARY = {"name": "p", "type": "dictionary"}
IMAGE = {"name": "x", "shape": [1, 4, 4]}
NUMBER = {"name": "y", "type": "number"}
ONE = {"type": "inner_product", "name": "one", "output_channels": 1, "updatable": True}
BATCHNORM = {"type": "batchnorm", "name": "norm"}
CLIP = {"type": "clip", "name": "clip", "min_val": 0, "max_val": 6}
PICTURE = {"name": "x", "type": "image", "width": 4, "height": 4}
UPSAMPLE = {"type": "upsample", "name": "up", "mode": "bilinear"}
ALIGNED = UPSAMPLE | {"linear_upsample_mode": "align_corners_true", "scaling_factor": [2, 2]}
FRACTIONAL = UPSAMPLE | {"linear_upsample_mode": "align_corners_true", "fractional_scaling_factor": [1.5, 1.5]}
BLOCKS = {"type": "reorganize_data", "name": "blocks", "mode": "depth_to_space", "block_size": 2}
SHUFFLE = BLOCKS | {"mode": "pixel_shuffle"}
LSTM = {
    "type": "uni_directional_lstm",
    "name": "lstm",
    "output_vector_size": 3,
    "output": ["lstm", "lstm_h", "lstm_c"],
    "activations": [{"type": "sigmoid"}, {"type": "tanh"}, {"type": "tanh"}],
}
EXACT = {
    "array_input_shape_mapping": "exact",
    "inputs": [{"name": "x", "shape": [1, 2, 4]}],
    "layers": [SOFTMAX, DENSE, {"type": "sigmoid", "name": "bounded"}],
    "outputs": [{"name": "y"}],
    "loss": SQUARES,
}


TWO_INPUTS = {
    "inputs": [X, {"name": "extra", "shape": [2]}],
    "layers": [DENSE | {"input": "x"}, SOFTMAX | {"output": "y"}, {"type": "relu", "name": "e", "input": "extra"}],
    "outputs": [{"name": "y"}, {"name": "e"}],
    "loss": ENTROPY | {"input": "y", "target": "y_true"},
}
CONSTANT = {"layers": [{"type": "load_constant", "name": "c", "shape": [4, 1, 1]}, DENSE, SOFTMAX]}
# On the way back from the loss the states' activations come before an updatable layer that is further away.
DENSE_X = {"type": "inner_product", "name": "dense_x", "input": "x", "output_channels": 4, "updatable": True}
FAR = {"type": "relu", "name": "above", "input": "dense_x"}
NEAR = FAR | {"input": "x"}
STATES = [{"type": "linear", "name": name, "input": "s", "alpha": 1, "beta": 0} for name in ("h", "c")]
SIDE_LAYERS = [*STATES, LSTM | {"input": ["above", "h", "c"]}, DENSE | {"input": "lstm"}, SOFTMAX | {"output": "y"}]
SIDE_BRANCH = {"inputs": [X, {"name": "s", "shape": [3]}], "outputs": [{"name": "y"}]}


@dataclass(frozen=True)
class Case:
    """What to change in the small model so that it breaks a rule at a pointer, `at`, and so that it keeps the rule."""

    at: str
    broken: dict[str, Any]
    kept: dict[str, Any] = field(default_factory=dict)

    @property
    def rule(self) -> str:
        return self.at.partition(" ")[0]

    @property
    def pointer(self) -> str:
        return self.at.partition(" ")[2]


CASES = [
    Case("names.layers-unique /layers/1/name", {"layers": [DENSE, SOFTMAX | {"name": "dense", "output": "y"}]}),
    Case("names.layers-unique /loss/name", {"loss": ENTROPY | {"name": "dense"}}, {"loss": ENTROPY | {"name": "l"}}),
    Case("names.features-unique /inputs/1/name", {"inputs": [X, X]}, {"inputs": [X]}),
    Case("names.features-unique /outputs/1/name", {"outputs": [Y, Y]}, {"outputs": [Y]}),
    Case(
        "names.features-unique /training_inputs/2/name",
        {"training_inputs": [X, CLASS, X | {"type": "double"}]},
        {"training_inputs": [X, CLASS]},
    ),
    Case(
        "names.pippin-reserved /user_defined/pippin.seed",
        {"user_defined": {"pippin.seed": ""}},
        {"user_defined": {"pippinish": ""}},
    ),
    Case("features.ranks /inputs/0/shape", {"inputs": [X | {"shape": [4, 1]}]}, {"inputs": [X | {"shape": [4, 1, 1]}]}),
    Case("features.outputs-made /outputs/0/name", {"outputs": [{"name": "x", "shape": [4]}]}),
    Case("features.kinds /inputs/0/type", {"inputs": [{"name": "x", "type": "string"}]}),
    Case("features.kinds /inputs/0/shape", {"inputs": [{"name": "x"}]}, {"outputs": [{"name": "y"}]}),
    Case("features.outputs /outputs", {"outputs": ...}, {"outputs": ..., "classifier": {"labels": ["a", "b", "c"]}}),
    Case("features.output-shapes /outputs/0/shape", {"outputs": [{"name": "y", "shape": [1, 3]}]}),
    Case(
        "features.output-shapes /outputs/0/type",
        {"outputs": [{"name": "y", "type": "image", "width": 3, "height": 1}]},
        {"outputs": [{"name": "y", "shape": [3, 1, 1]}]},
    ),
    Case("features.output-shapes /outputs/0", {"outputs": [{"name": "y", "type": "number"}]}),
    Case(
        "features.versions /layers/0/type",
        {"version": 1, "layers": [{"type": "resize_bilinear", "name": "r", "target_size": [2, 2]}, DENSE, SOFTMAX]},
        {"version": 4, "layers": [{"type": "relu", "name": "r"}, DENSE, SOFTMAX]},
    ),
    Case("classifier.labels /classifier/labels", {"classifier": {"labels": ["a", "b"]}}, {"classifier": CLASSES}),
    Case(
        "features.mappings /image_input_shape_mapping",
        {"image_input_shape_mapping": "rank4"},
        EXACT | {"image_input_shape_mapping": "rank4"},
    ),
    Case("features.newer-layers /layers/0/type", {"layers": [CLIP, DENSE, SOFTMAX]}, EXACT | {"layers": [CLIP, DENSE]}),
    *(
        Case(
            "features.newer-layers /layers/0/type",
            {"version": 5, "inputs": [IMAGE | {"shape": [4, 4, 4]}], "layers": [layer, DENSE, SOFTMAX]},
            {"version": 5, "inputs": [PICTURE], "layers": [layer, DENSE, SOFTMAX]},
        )
        for layer in (ALIGNED, ALIGNED | {"linear_upsample_mode": "align_corners_false"}, FRACTIONAL)
    ),
    Case(
        "features.newer-layers /layers/0/type",
        {"version": 5, "inputs": [IMAGE | {"shape": [4, 4, 4]}], "layers": [SHUFFLE, DENSE, SOFTMAX]},
        {"version": 5, "inputs": [IMAGE | {"shape": [4, 4, 4]}], "layers": [BLOCKS, DENSE, SOFTMAX]},
    ),
    Case(
        "classifier.labels /classifier/labels",
        {"classifier": {"labels": ["a", "a", "c"]}},
        {"classifier": {"labels": [3, 1, 2]}},
    ),
    Case(
        "classifier.labels /classifier/blob",
        {"layers": [DENSE, SOFTMAX | {"output": "y"}], "classifier": {"labels": ["a", "b", "c"], "blob": "q"}},
        {"classifier": {"labels": [0, 1, 2], "blob": "y"}},
    ),
    Case(
        "classifier.outputs /outputs/0", {"outputs": [LABEL]}, {"classifier": CLASSES, "outputs": [LABEL, DICTIONARY]}
    ),
    Case(
        "classifier.outputs /outputs",
        {"classifier": CLASSES, "outputs": [LABEL]},
        {"classifier": CLASSES, "outputs": [DICTIONARY, LABEL]},
    ),
    Case("classifier.outputs /outputs/0", {"classifier": CLASSES, "outputs": [LABEL | {"type": "int64"}, DICTIONARY]}),
    Case(
        "classifier.outputs /regressor",
        {"classifier": {"labels": ["a", "b", "c"]}, "outputs": [LABEL], "regressor": {"predicted_feature": "y"}},
        {"regressor": {"predicted_feature": "y"}},
    ),
    Case(
        "regressor.outputs /regressor/predicted_feature",
        {"regressor": {"predicted_feature": "z"}},
        {"regressor": {"predicted_feature": "y"}},
    ),
    Case(
        "runtime.integer-output /outputs/0/type",
        {"outputs": [Y | {"type": "int"}]},
        {"outputs": [Y | {"type": "double"}]},
    ),
    Case(
        "runtime.linear-squares /loss/input",
        {"layers": [DENSE], "loss": SQUARES},
        {"layers": [DENSE, {"type": "sigmoid", "name": "s"}], "loss": SQUARES},
    ),
    Case("runtime.linear-squares /loss/input", {"loss": SQUARES | {"input": "dense"}}),
    Case(
        "runtime.linear-squares /loss/input",
        {"layers": [DENSE, {"type": "flatten", "name": "f"}], "loss": SQUARES},
        {"layers": [DENSE, {"type": "sigmoid", "name": "s"}, {"type": "flatten", "name": "f"}], "loss": SQUARES},
    ),
    Case(
        "features.numbers /outputs/0/type",
        {"layers": [ONE], "loss": SQUARES, "outputs": [NUMBER]},
        {"layers": [ONE], "loss": SQUARES, "outputs": [NUMBER], "regressor": {"predicted_feature": "y"}},
    ),
    Case(
        "features.numbers /outputs/2/type",
        {"classifier": CLASSES, "outputs": [LABEL, DICTIONARY, {"name": "one", "type": "number"}]},
        {"classifier": CLASSES, "outputs": [LABEL, DICTIONARY]},
    ),
    Case("updatable.some /layers", {"layers": [DENSE | {"updatable": False}, SOFTMAX]}),
    Case("updatable.types /layers/1/updatable", {"layers": [DENSE, SOFTMAX | {"updatable": True}]}),
    Case(
        "updatable.path /layers/1/type",
        {"layers": [DENSE, SOFTMAX | {"name": "between"}, {"type": "tanh", "name": "t"}, SOFTMAX]},
        {"layers": [SOFTMAX | {"name": "below"}, DENSE, {"type": "relu", "name": "r"}, SOFTMAX]},
    ),
    Case("updatable.path /layers/1/type", {"loss": SQUARES}, {"layers": [DENSE], "loss": SQUARES}),
    Case("loss.softmax /loss/input", {"loss": ENTROPY | {"input": "dense"}}),
    Case("loss.softmax /loss/input", {"loss": ENTROPY | {"input": "x"}}),
    Case("loss.distribution /loss/input", {"inputs": [IMAGE], "layers": [SOFTMAX]}),
    Case("loss.input-made /loss/input", {"loss": SQUARES | {"input": "x"}}, {"loss": SQUARES | {"input": "dense"}}),
    Case("loss.target-not-made /loss/target", {"loss": ENTROPY | {"target": "dense"}}),
    Case("loss.target-not-made /loss/target", {"loss": SQUARES | {"target": "x"}}),
    Case("training.inputs /training_inputs", {"training_inputs": [CLASS]}, {"training_inputs": [X, CLASS]}),
    Case("training.inputs /training_inputs", {"training_inputs": [CLASS]}, {"training_inputs": [X, CLASS, X, CLASS]}),
    Case(
        "training.inputs /training_inputs",
        TWO_INPUTS | {"training_inputs": [{"name": "extra", "shape": [2]}, CLASS]},
        TWO_INPUTS | {"training_inputs": [X, CLASS]},
    ),
    Case(
        "training.inputs /training_inputs",
        CONSTANT | {"training_inputs": [CLASS]},
        CONSTANT | {"training_inputs": [X, CLASS]},
    ),
    Case(
        "features.kinds /training_inputs/0/shape",
        {"training_inputs": [{"name": "x"}, CLASS]},
        {"training_inputs": [X, {"name": "y_true", "type": "int"}]},
    ),
    Case(
        "updatable.path /layers/2/type",
        SIDE_BRANCH | {"layers": [DENSE_X, FAR, *SIDE_LAYERS]},
        SIDE_BRANCH | {"layers": [DENSE_X, NEAR, *SIDE_LAYERS]},
    ),
    Case(
        "training.inputs /training_inputs/0",
        {"training_inputs": [X | {"type": "double"}, CLASS]},
        {"training_inputs": [CLASS, X]},
    ),
    Case("training.inputs /training_inputs/1", {"training_inputs": [CLASS, X | {"shape": [4, 1, 1]}]}),
    Case(
        "training.target /training_inputs",
        {"training_inputs": [X, CLASS], "loss": ENTROPY | {"target": "label"}},
        {"training_inputs": [X, CLASS], "loss": ENTROPY | {"target": "y_true"}},
    ),
    Case(
        "training.target-type /training_inputs/1/type",
        {"training_inputs": [X, {"name": "y_true", "type": "image", "width": 3, "height": 1}]},
        {"training_inputs": [X, CLASS]},
    ),
    Case(
        "runtime.class-target /training_inputs/1",
        {"training_inputs": [X, CLASS | {"type": "float", "shape": [3]}]},
        {"training_inputs": [X, CLASS]},
    ),
    Case("runtime.class-target /training_inputs/0", {"training_inputs": [CLASS | {"shape": [3]}, X]}),
    Case(
        "training.target-type /training_inputs/1/shape",
        {"training_inputs": [X, {"name": "t", "shape": [2]}], "loss": SQUARES | {"input": "dense"}},
        {"training_inputs": [X, {"name": "t", "shape": [3], "type": "double"}], "loss": SQUARES | {"input": "dense"}},
    ),
    Case(
        "training.target-type /training_inputs/1/type",
        {"training_inputs": [X, {"name": "t", "shape": [3], "type": "int"}], "loss": SQUARES | {"input": "dense"}},
    ),
    Case(
        "training.nothing-else /training_inputs/2",
        {"training_inputs": [X, CLASS, {"name": "weight", "shape": [1]}]},
        {"training_inputs": [X, CLASS]},
    ),
    Case(
        "training.target-type /training_inputs/1/type",
        {"classifier": CLASSES, "outputs": [LABEL, DICTIONARY], "training_inputs": [X, LABEL | {"type": "int64"}]},
        {"classifier": CLASSES, "outputs": [LABEL, DICTIONARY], "training_inputs": [X, LABEL]},
    ),
    Case(
        "training.target /training_inputs",
        {"classifier": CLASSES, "training_inputs": [X, CLASS]},
        {"classifier": CLASSES, "training_inputs": [X, CLASS], "loss": ENTROPY | {"target": "y_true"}},
    ),
    Case(
        "runtime.batchnorm /layers/1",
        {"inputs": [IMAGE], "layers": [DENSE, BATCHNORM, SOFTMAX]},
        {"inputs": [IMAGE], "layers": [BATCHNORM, DENSE, SOFTMAX]},
    ),
    Case("runtime.lstm /layers/0", {"layers": [LSTM, DENSE | {"input": "lstm"}, SOFTMAX]}),
    Case("runtime.softmax-axis /layers/0", EXACT, EXACT | {"inputs": [{"name": "x", "shape": [1, 1, 4]}]}),
]


def faults(rule: str, document: object) -> list[Fault]:
    draft, _ = parse(document)
    return list(ALL[rule](trace(draft)))


def findings_of(document: object) -> tuple[Finding, ...]:
    return resolve(document).findings


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.at)
def test_model_that_follows_the_rule_passes(case: Case) -> None:
    assert faults(case.rule, small_spec(**case.kept)) == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.at)
def test_model_that_breaks_the_rule_gets_a_located_fault(case: Case) -> None:
    (fault,) = faults(case.rule, small_spec(**case.broken))
    assert fault.pointer == case.pointer
    assert fault.detail.startswith(("found ", "is required"))
    if case.rule in WARNINGS_BY_ID:
        assert [(each.rule, each.pointer) for each in findings_of(small_spec(**case.broken))] == [
            (case.rule, case.pointer)
        ]
    else:
        assert faults_of(small_spec(**case.broken))[case.pointer]


def test_every_rule_has_a_case_and_a_source() -> None:
    assert {case.rule for case in CASES} == set(ALL)
    for rule in ALL.values():
        text = rule.__doc__ or ""
        assert "Source: " in text or "Ours" in text, rule.__name__


@pytest.mark.parametrize("loss", [[], [ENTROPY], [ENTROPY, SQUARES], None])
def test_there_is_exactly_one_loss(loss: object) -> None:
    assert "xactly one loss" in faults_of(small_spec(loss=loss))["/loss"]
    assert "xactly one loss" in faults_of(small_spec(loss=...))["/loss"]


def test_types_core_ml_backpropagates_may_follow_updatable_layers() -> None:
    layers = [
        {"type": "convolution", "name": "lowest", "output_channels": 2, "kernel_size": [1, 1], "updatable": True},
        {"type": "relu", "name": "relu"},
        {"type": "pooling", "name": "pool", "pooling_type": "average", "kernel_size": [2, 2]},
        {"type": "convolution", "name": "frozen", "output_channels": 2, "kernel_size": [1, 1]},
        {"type": "tanh", "name": "tanh"},
        {"type": "flatten", "name": "flatten"},
        {"type": "inner_product", "name": "dense", "output_channels": 3},
        {"type": "sigmoid", "name": "sigmoid"},
        SOFTMAX,
    ]
    assert faults_of(small_spec(inputs=[{"name": "x", "shape": [1, 4, 4]}], layers=layers)) == {}


def test_branch_without_updatable_layers_may_have_any_type() -> None:
    layers = [
        DENSE,
        {"type": "softmax", "name": "aside", "input": "dense"},
        SOFTMAX | {"input": "dense", "output": "y"},
    ]
    assert faults_of(small_spec(layers=layers)) == {}

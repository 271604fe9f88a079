"""Each rule that only a file can break, on a file that follows it and on one that breaks it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from coremltools.proto.NeuralNetwork_pb2 import WeightParams

from pippin.errors import FaultyDocumentError
from pippin.models.mlmodel import open_model
from pippin.models.mlmodel.errors import RULES_BY_ID
from pippin.models.mlmodel.proto import Message, serialize
from pippin.models.spec import SpecError, resolve
from pippin.models.spec.layer import RANK_RULE
from tests.pippin.models.mlmodel.cases import CASES as VALIDATOR_CASES
from tests.pippin.models.mlmodel.cases import Case, Change, chain, dyad, towers
from tests.pippin.models.mlmodel.files import DENSE, SOFTMAX, embedding, freeze, network, pipeline
from tests.support.paths import ROOT
from tests.support.specs import small_spec


def with_frozen() -> Message:
    """A network whose lower inner product is frozen."""
    return network(layers=[DENSE | {"name": "below", "updatable": False}, DENSE, SOFTMAX])


def dense(model: Message, index: int = 0) -> Message:
    return model.neuralNetwork.layers[index].innerProduct


def losses(model: Message) -> Any:  # noqa: ANN401 - a message
    return model.neuralNetwork.updateParams.lossLayers


def becomes(kind: str) -> Change:
    """Makes the softmax a layer of another kind."""
    return lambda model: getattr(model.neuralNetwork.layers[1], kind).SetInParent()


def unmark(what: str, index: int = 0) -> Change:
    """Takes the mark from an inner product's numbers."""
    return lambda model: getattr(dense(model, index), what).ClearField("isUpdatable")


def mark(stage: int) -> Change:
    """Marks a model of the pipeline updatable."""
    return lambda model: setattr(model.pipeline.models[stage], "isUpdatable", True)


def quantize(what: str, index: int = 0) -> Change:
    """Keeps an inner product's numbers in eight bits."""

    def change(model: Message) -> None:
        blob = getattr(dense(model, index), what)
        blob.rawValue = bytes(len(blob.floatValue))
        blob.quantization.numberOfBits = 8
        blob.quantization.linearQuantization.scale.append(1)
        del blob.floatValue[:]

    return change


def unknown_layer(stage: int) -> Change:
    """Makes a layer of a model of the pipeline a custom one."""
    return lambda model: model.pipeline.models[stage].neuralNetwork.layers[1].custom.SetInParent()


def read_later(model: Message) -> None:
    """Makes the first model of the pipeline read what the second one answers."""
    model.CopyFrom(pipeline(embedding(reads="middle"), embedding(makes="middle"), network()))
    model.description.input[0].name = "x"


def name_them(*names: str) -> Change:
    """Gives a pipeline's models names."""

    def change(model: Message) -> None:
        model.pipeline.names[:] = names

    return change


def rename_input(stage: int, name: str) -> Change:
    """Makes a model of the pipeline read something else."""
    return lambda model: setattr(model.pipeline.models[stage].description.input[0], "name", name)


def reshape_input(stage: int, *shape: int) -> Change:
    """Makes a model of the pipeline read what it reads in another shape."""

    def change(model: Message) -> None:
        model.pipeline.models[stage].description.input[0].type.multiArrayType.shape[:] = shape

    return change


def retrain(index: int, *shape: int) -> Change:
    """Gives a training input of the pipeline a shape."""

    def change(model: Message) -> None:
        model.description.trainingInput[index].type.multiArrayType.shape[:] = shape

    return change


def thin(model: Message) -> None:
    """Leaves a pipeline only the model that is trained."""
    last = model.pipeline.models[-1]
    model.CopyFrom(pipeline(last))


def crowd(count: int) -> Change:
    """Puts frozen networks in front until there are so many models."""

    def change(model: Message) -> None:
        last = model.pipeline.models[-1]
        front = [embedding("x" if not n else f"e{n}", f"e{n + 1}") for n in range(count - 2)]
        model.CopyFrom(pipeline(*front, embedding(f"e{count - 2}"), last))

    return change


CASES = [
    *VALIDATOR_CASES,
    Case("model.kind", network, lambda model: model.glmClassifier.SetInParent()),
    Case("model.updatable", network, lambda model: model.ClearField("isUpdatable")),
    Case("model.updatable", chain, lambda model: model.ClearField("isUpdatable")),
    Case("loss.one", network, lambda model: losses(model).add().CopyFrom(losses(model)[0])),
    Case("loss.one", network, lambda model: losses(model).pop()),
    Case("loss.one", network, lambda model: model.neuralNetwork.ClearField("updateParams")),
    Case("layers.known /layers/1", network, becomes("custom")),
    Case("layers.known /layers/1", network, becomes("transpose"), kept=becomes("softmax")),
    Case("layers.known /layers/1", network, lambda model: model.neuralNetwork.layers[1].ClearField("softmax")),
    Case(
        "layers.known /layers/0",
        network,
        lambda model: setattr(dense(model), "int8DynamicQuantize", True),
        kept=lambda model: setattr(dense(model), "int8DynamicQuantize", False),
    ),
    Case("weights.size /layers/0/weights", network, lambda model: dense(model).weights.floatValue.append(1)),
    Case("weights.size /layers/0/bias", network, lambda model: dense(model).bias.floatValue.pop()),
    Case("weights.size /layers/0/bias", network, lambda model: dense(model).bias.ClearField("floatValue")),
    Case(
        "weights.size /layers/0/weights",
        with_frozen,
        lambda model: (quantize("weights")(model), dense(model).weights.MergeFrom(WeightParams(rawValue=bytes(3)))),
        kept=quantize("weights"),
    ),
    Case("weights.updatable /layers/0/weights", network, unmark("weights")),
    Case("weights.updatable /layers/1/bias", with_frozen, unmark("bias", 1), kept=unmark("bias", 0)),
    Case("weights.quantized /layers/1/weights", with_frozen, quantize("weights", 1), kept=quantize("weights", 0)),
    Case("weights.quantized /layers/1/bias", with_frozen, quantize("bias", 1), kept=quantize("bias", 0)),
    Case("pipeline.models /models", chain, lambda model: model.pipeline.Clear(), kept=thin),
    Case("pipeline.models /models", towers, crowd(101), kept=crowd(100)),
    Case("pipeline.names /names", chain, lambda model: model.pipeline.names.pop()),
    Case("pipeline.names /names", chain, name_them("a", "a"), kept=name_them("a", "b")),
    Case("pipeline.names /names", chain, name_them("a", "b", "c"), kept=name_them()),
    Case("pipeline.updatable /models/1", chain, lambda model: model.pipeline.models[1].ClearField("isUpdatable")),
    Case("pipeline.updatable /models/2", towers, lambda model: freeze(model.pipeline.models[2])),
    Case("pipeline.updatable /models/1", towers, mark(1)),
    Case("pipeline.kinds /models/0", chain, lambda model: model.pipeline.models[0].glmRegressor.SetInParent()),
    Case("layers.known /models/0/layers/1", dyad, unknown_layer(0)),
    Case("layers.known /models/1/layers/1", dyad, unknown_layer(1)),
    Case("pipeline.features /models/0/inputs", dyad, read_later),
    Case("pipeline.kinds /models/1", chain, lambda model: model.pipeline.models[1].pipeline.SetInParent()),
    Case("pipeline.features /models/1/inputs", chain, rename_input(1, "spot"), kept=rename_input(1, "point")),
    Case("pipeline.features /models/1/inputs", chain, reshape_input(1, 3), kept=reshape_input(1, 2)),
    Case("pipeline.features /models/0/inputs", towers, rename_input(0, "middle")),
    Case("pipeline.features /outputs", chain, lambda model: setattr(model.description.output[0], "name", "shade")),
    Case(
        "pipeline.features /outputs",
        towers,
        lambda model: setattr(model.description.output[0].type.multiArrayType, "dataType", 65600),
    ),
    Case("pipeline.training-inputs /training_inputs", chain, lambda model: model.description.trainingInput.pop()),
    Case(
        "pipeline.training-inputs /training_inputs",
        towers,
        lambda model: setattr(model.description.trainingInput[0], "name", "z"),
    ),
    Case("pipeline.training-inputs /training_inputs", chain, retrain(0, 3), kept=retrain(0, 2)),
    Case("pipeline.training-inputs /training_inputs", towers, retrain(1, 2), kept=retrain(1, 1)),
]
by_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.at)


@by_case
def test_file_that_follows_the_rule_is_opened(case: Case) -> None:
    model = case.base()
    case.kept(model)
    assert open_model(serialize(model)).metadata == {}


@by_case
def test_file_that_breaks_the_rule_gets_its_id_and_pointer(case: Case) -> None:
    model = case.base()
    case.broken(model)
    with pytest.raises(FaultyDocumentError) as raised:
        open_model(serialize(model))
    (fault,) = raised.value.faults
    assert (fault.rule, fault.pointer) == (case.rule, case.pointer)
    assert fault.detail in str(raised.value)


def test_every_rule_has_a_case_and_a_source() -> None:
    assert {case.rule for case in CASES} == RULES_BY_ID.keys()
    for name, sentence in RULES_BY_ID.items():
        assert "Source: " in sentence or "Ours" in sentence, name


def test_documentation_lists_every_rule_in_order() -> None:
    page = (ROOT / "docs" / "spec.md").read_text(encoding="utf-8")
    (told,) = re.findall(r"^## Uploaded files\n(.*?)^## ", page, flags=re.MULTILINE | re.DOTALL)
    listed = re.findall(r"^\| `([a-z]+\.[a-z-]+)` \|", told, flags=re.MULTILINE)
    assert listed == [*RULES_BY_ID, RANK_RULE]


def test_faults_do_not_use_literal_rule_ids() -> None:
    found = {
        folder: {name for file in sorted((ROOT / "pippin" / folder).rglob("*.py")) for name in _literal_ids(file)}
        for folder in ("mlmodel", "spec")
    }
    assert found == {"mlmodel": set(), "spec": set()}


def _literal_ids(file: Path) -> Iterator[str]:
    """The ids that a file gives to faults without looking them up."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            given = [*node.args[2:], *(keyword.value for keyword in node.keywords if keyword.arg == "rule")]
            for each in given:
                if isinstance(each, ast.Constant) and re.fullmatch(r"[a-z]+\.[a-z-]+", str(each.value)):
                    yield str(each.value)


EXACT = {
    "array_input_shape_mapping": "exact",
    "layers": [
        {"type": "softmax", "name": "softmax"},
        {"type": "inner_product", "name": "dense", "output_channels": 3, "updatable": True},
    ],
    "outputs": [{"name": "y"}],
    "loss": {"type": "mean_squared_error"},
}


def test_exact_blob_of_too_low_a_rank_breaks_the_rank_rule() -> None:
    assert resolve(small_spec(**EXACT, inputs=[{"name": "x", "shape": [1, 1, 4]}])).layers
    with pytest.raises(SpecError) as raised:
        resolve(small_spec(**EXACT, inputs=[{"name": "x", "shape": [1, 4]}]))
    (fault,) = raised.value.faults
    assert (fault.rule, fault.pointer) == (RANK_RULE, "/layers/0/input")
    assert "rank 2; softmax needs rank 3 or more" in fault.detail


def test_all_faults_of_a_rule_are_reported_at_once() -> None:
    model = with_frozen()
    for index in range(2):
        dense(model, index).bias.floatValue.pop()
    dense(model, 1).weights.ClearField("isUpdatable")
    with pytest.raises(FaultyDocumentError) as raised:
        open_model(serialize(model))
    assert [(fault.rule, fault.pointer) for fault in raised.value.faults] == [
        ("weights.size", "/layers/0/bias"),
        ("weights.updatable", "/layers/1/weights"),
        ("weights.size", "/layers/1/bias"),
    ]


def test_faults_inside_a_pipeline_are_prefixed_with_the_model_index() -> None:
    model = towers()
    model.pipeline.models[1].neuralNetwork.layers[0].innerProduct.bias.floatValue.pop()
    with pytest.raises(FaultyDocumentError, match="model 1 of the pipeline: bias of layer 'embed'") as raised:
        open_model(serialize(model))
    (fault,) = raised.value.faults
    assert (fault.rule, fault.pointer) == ("weights.size", "/models/1/layers/0/bias")

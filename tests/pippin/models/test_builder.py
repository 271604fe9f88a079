"""The Python builder makes documents of the spec language."""

import inspect
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pippin.api.requests import JobRequest
from pippin.models import builder
from pippin.models.builder import (
    SGD,
    Adam,
    BuilderError,
    CategoricalCrossEntropy,
    Classifier,
    Convolution,
    InnerProduct,
    Input,
    MeanSquaredError,
    Model,
    NeuralNetwork,
    Output,
    Regressor,
    ReLU,
    Softmax,
    TrainingInput,
)
from pippin.models.mlmodel import Model as ModelFile
from pippin.models.mlmodel import open_model
from pippin.models.spec import SpecError, resolve
from pippin.models.spec.table import LAYERS
from pippin.models.swiftcoreml import from_swift
from tests.support.paths import ROOT

STEPS = SGD(learning_rate=0.1, mini_batch_size=4)


def network(**fields: object) -> NeuralNetwork:
    chosen: dict[str, Any] = {"loss": CategoricalCrossEntropy(), "optimizer": STEPS, "epochs": 1} | fields
    return NeuralNetwork(**chosen)


def small(**fields: object) -> Model:
    layers = InnerProduct(output_channels=2, updatable=True), Softmax()
    return Model(author="somebody")[Input("x", [3]), Output("y"), network(**fields)[layers]]


def test_documentation_example_is_the_preset() -> None:
    text = (ROOT / "docs" / "spec.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(from pippin\.builder .*?)```", text, flags=re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)
    example = json.loads((ROOT / "examples" / "mnist-cnn.json").read_text(encoding="utf-8"))
    assert names["model"].resolved == resolve(example)
    assert names["model"].resolved.parameter_count == 585_958


def test_unnamed_layers_get_unique_names() -> None:
    layers = ReLU(), ReLU("relu3"), ReLU(output="relu4"), ReLU(), InnerProduct(output_channels=2, updatable=True)
    model = Model()[Input("relu2", [3]), Output("y"), network(loss=MeanSquaredError(name="relu5"))[layers]]
    assert [layer["name"] for layer in model.spec["layers"]] == ["relu1", "relu3", "relu6", "relu7", "inner_product1"]
    assert model.resolved.layers[3].inputs == ("relu4",)


def test_spec_is_json_for_a_job_request() -> None:
    spec = small().spec
    assert json.loads(json.dumps(spec)) == spec
    request = JobRequest.model_validate({"model": {"spec": spec}, "dataset": "digits"})
    assert resolve(request.model.spec) == small().resolved


def test_a_change_to_the_spec_does_not_change_the_model() -> None:
    model = small()
    model.spec["layers"][0]["output_channels"] = 7
    model.spec["inputs"][0]["shape"].append(1)
    assert model.spec == small().spec


def test_numpy_arrays_can_be_weights() -> None:
    weights = np.arange(6, dtype=np.float32).reshape(2, 3)
    layer = InnerProduct(output_channels=np.int64(2), weights=weights, bias=[0, 1], updatable=True)
    model = Model()[Input("x", (3,)), Output("y"), network(loss=MeanSquaredError())[layer]]
    assert model.spec["layers"][0]["weights"] == weights.tolist()
    assert model.resolved.spec.inputs[0].lengths == (3,)


def test_builder_has_every_field_of_the_spec() -> None:
    spec = {
        "version": 5, "short_description": "d", "author": "a", "license": "l", "version_string": "v",
        "user_defined": {"k": "v"}, "array_input_shape_mapping": "exact", "image_input_shape_mapping": "rank4",
        "inputs": [{"name": "i", "type": "image", "color": "gray", "width": 2, "height": 1, "scale": 0.5, "bias": 1.0}],
        "outputs": [{"name": "o"}],
        "training_inputs": [{"name": "t", "shape": [1], "type": "int"}],
        "classifier": {"labels": ["a", "b"], "predicted_feature": "c"},
        "regressor": {"predicted_feature": "r"},
        "layers": [{"type": "relu", "name": "n"}],
        "loss": {"type": "mean_squared_error", "target": "t"},
        "optimizer": {"type": "adam", "learning_rate": {"default": 0.1, "min": 0, "max": 1}},
        "epochs": {"default": 5, "set": [5]}, "shuffle": False, "seed": 1, "initial_seed": 2,
    }  # fmt: skip
    names = ("version", "short_description", "author", "license", "version_string", "user_defined")
    mappings = ("array_input_shape_mapping", "image_input_shape_mapping")
    model = Model(**{name: spec[name] for name in (*names, *mappings)})[
        Input("i", type="image", color="gray", width=2, height=1, scale=0.5, bias=1.0),
        Output("o"),
        TrainingInput("t", [1], type="int"),
        Classifier(labels=["a", "b"], predicted_feature="c"),
        Regressor(predicted_feature="r"),
        NeuralNetwork(
            loss=MeanSquaredError(target="t"),
            optimizer=Adam(learning_rate={"default": 0.1, "min": 0, "max": 1}),
            epochs={"default": 5, "set": [5]},
            shuffle=False,
            seed=1,
            initial_seed=2,
        )[ReLU("n")],
    ]
    assert model.spec == spec
    # A new field is not forgotten here.
    assert spec.keys() == set(type(resolve(small().spec).spec).model_fields)


@pytest.mark.parametrize("kind", LAYERS.values(), ids=list(LAYERS))
def test_every_layer_type_has_a_class_with_its_fields(kind: type[Any]) -> None:
    made = getattr(builder, kind.__name__)
    assert kind.__name__ in dir(builder)
    assert kind.__name__ in builder.__all__
    assert inspect.signature(made).parameters.keys() == kind.model_fields.keys() - {"type"}
    assert made("n").document == {"type": kind.model_fields["type"].default, "name": "n"}


def test_faults_come_with_pointers_into_the_spec() -> None:
    model = small(epochs=0)
    with pytest.raises(SpecError) as caught:
        _ = model.resolved
    assert [fault.pointer for fault in caught.value.faults] == ["/epochs"]


def test_the_file_is_read_back_as_the_model(tmp_path: Path) -> None:
    small().save(tmp_path / "small.mlmodel")
    read = open_model((tmp_path / "small.mlmodel").read_bytes())
    assert isinstance(read, ModelFile)
    assert read.resolved == small().resolved


def test_to_swift_writes_a_readable_document() -> None:
    limits = SGD(
        learning_rate={"default": 0.1, "min": 0, "max": 1},
        mini_batch_size={"default": 4, "set": [4]},
        momentum={"default": 0, "min": 0, "max": 1},
    )
    swift = small(optimizer=limits, epochs={"default": 1, "set": [1]}).to_swift()
    assert len(swift["neuralNetwork"]["layers"][0]["base"]["weight"]) == 6
    assert resolve(from_swift(swift).spec).parameter_count == 8


WRONG: dict[str, tuple[Callable[[], object], str]] = {
    "a layer outside": (lambda: Model()[Input("x", [3]), ReLU(), network()[ReLU()]], "found ReLU() beside the network"),
    "two networks": (
        lambda: Model()[Input("x", [3]), network()[ReLU()], network()[ReLU()]],
        "found 2 parts of type NeuralNetwork; a model has one at most",
    ),
    "two classifiers": (
        lambda: Model()[Input("x", [3]), Classifier(labels=["a"]), Classifier(labels=["b"]), network()[ReLU()]],
        "found 2 parts of type Classifier",
    ),
    "no network": (lambda: Model()[Input("x", [3])], "found no NeuralNetwork"),
    "no layers": (lambda: Model()[Input("x", [3]), network()], "found a NeuralNetwork without layers"),
    "no inputs": (lambda: Model()[Output("y"), network()[ReLU()]], "found no Input"),
    "no parts": (lambda: Model().spec, "found a model without parts"),
    "a feature among layers": (
        lambda: network()[Input("x", [3])],  # type: ignore[index]
        "found Input(name='x', shape=[3]) among the layers",
    ),
    "a loss among parts": (
        lambda: Model()[Input("x", [3]), MeanSquaredError(), network()[ReLU()]],
        "found MeanSquaredError() among a model's parts",
    ),
    "a class": (
        lambda: network()[ReLU, Softmax()],  # type: ignore[index]
        "found the class ReLU, not an instance (write ReLU())",
    ),
    "no part at all": (
        lambda: Model()[Input("x", [3]), "relu"],  # type: ignore[index]
        "found 'relu' among a model's parts",
    ),
    "a list without a star": (
        lambda: network()[ReLU(), [ReLU()]],  # type: ignore[index]
        "found [ReLU()] among the layers",
    ),
    "brackets twice": (lambda: network()[ReLU()][ReLU()], "found a second list of layers"),
    "brackets of a model twice": (lambda: small()[Input("x", [3])], "found a second list of parts"),
    "a field misspelt": (
        lambda: Convolution(kernal_size=(3, 3)),
        "found a field 'kernal_size' of Convolution, which has no such field; did you mean 'kernel_size'?",
    ),
    "a feature's field misspelt": (lambda: Input("x", shap=[3]), "did you mean 'shape'?"),
    "a loss by name": (lambda: network(loss="mean_squared_error"), "found 'mean_squared_error' as the loss; needs one"),
    "an optimizer's class": (lambda: network(optimizer=Adam), "found the class Adam, not an instance"),
}


@pytest.mark.parametrize(("make", "said"), WRONG.values(), ids=list(WRONG))
def test_wrong_usage_is_explained(make: Callable[[], object], said: str) -> None:
    with pytest.raises(BuilderError) as caught:
        make()
    assert said in str(caught.value)


def test_unknown_layer_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Convolutoin'"):
        _ = builder.Convolutoin

"""Built models: a network of classes, a classifier, a regression, nearest neighbours and a pipeline."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from coremltools.models.nearest_neighbors import KNearestNeighborsClassifierBuilder

from pippin.models.mlmodel import AnyModel, Model, build, open_model, read
from pippin.models.mlmodel.proto import Message, new_model, parse, serialize
from pippin.models.neighbors import NeighborsModel
from pippin.models.spec import resolve
from tests.pippin.models.mlmodel.files import neighbors as neighbors_file

Document = dict[str, Any]


@pytest.fixture(scope="session")
def small(small_spec: Callable[..., Document]) -> Callable[..., Model]:
    """Builds the small model, changed by the arguments."""

    def make(**changes: object) -> Model:
        return read(build(resolve(small_spec(**changes))))

    return make


@pytest.fixture(scope="session")
def regression() -> Document:
    """The changes that make the small model a regression."""
    return {
        "layers": [{"type": "inner_product", "name": "dense", "output_channels": 3, "updatable": True}],
        "loss": {"type": "mean_squared_error"},
    }


@pytest.fixture(scope="session")
def classifier() -> Document:
    """The changes that make the small model a classifier."""
    return {
        "classifier": {"labels": ["ant", "bee", "cat"], "predicted_feature": "animal", "probabilities": "shares"},
        "outputs": ...,
    }


@pytest.fixture(scope="session")
def embedding() -> list[Document]:
    """The layers of a classifier that looks up a whole number from 0 to 2."""
    return [
        {"type": "embedding", "name": "e", "input_dim": 3, "output_channels": 2},
        {"type": "flatten", "name": "flat"},
        {"type": "inner_product", "name": "dense", "output_channels": 3, "updatable": True},
        {"type": "softmax", "name": "softmax"},
    ]


@pytest.fixture(scope="session")
def neighbors_message() -> Message:
    """A classifier of three points in the plane."""
    builder = KNearestNeighborsClassifierBuilder(
        input_name="point",
        output_name="color",
        number_of_dimensions=2,
        default_class_label="none",
        number_of_neighbors=1,
    )
    builder.add_samples([[0.0, 0.0], [1.0, 0.5], [3.0, 4.0]], ["red", "blue", "red"])
    return builder.spec


@pytest.fixture(scope="session")
def neighbors(neighbors_message: Message) -> AnyModel:
    return open_model(serialize(neighbors_message))


@pytest.fixture(scope="session")
def tied() -> NeighborsModel:
    """Four points in a line, each of a class of its own: at equal votes the nearest point decides."""
    message = neighbors_file([[0.0, 0.0], [3.0, 0.0], [1.0, 0.0], [2.0, 0.0]], ["a", "d", "b", "c"])
    model = open_model(serialize(message))
    assert isinstance(model, NeighborsModel)
    return replace(model, input="point", predicted_feature="color")


@pytest.fixture(scope="session")
def front_message(small_spec: Callable[..., Document]) -> Message:
    """A frozen network from vectors of four to points in the plane."""
    document = small_spec(
        layers=[{"type": "inner_product", "name": "squeeze", "output_channels": 2, "updatable": True}],
        outputs=[{"name": "point", "shape": [2]}],
        loss={"type": "mean_squared_error"},
    )
    message = parse(build(resolve(document)))
    message.isUpdatable = False
    message.description.ClearField("trainingInput")
    message.neuralNetwork.ClearField("updateParams")
    for layer in message.neuralNetwork.layers:
        layer.isUpdatable = False
        layer.innerProduct.weights.isUpdatable = False
        layer.innerProduct.bias.isUpdatable = False
    return message


@pytest.fixture(scope="session")
def pipeline(front_message: Message, neighbors_message: Message) -> AnyModel:
    """Nearest neighbours on the output of the frozen network."""
    model = new_model()
    model.specificationVersion = 4
    model.isUpdatable = True
    description = model.description
    description.input.extend(front_message.description.input)
    description.output.extend(neighbors_message.description.output)
    description.output.extend(front_message.description.output)
    description.predictedFeatureName = neighbors_message.description.predictedFeatureName
    description.trainingInput.extend(front_message.description.input)
    description.trainingInput.extend(
        feature for feature in neighbors_message.description.trainingInput if feature.name == "color"
    )
    stages = model.pipelineClassifier.pipeline
    stages.models.add().CopyFrom(front_message)
    last = stages.models.add()
    last.CopyFrom(neighbors_message)
    # The front's output must have the type of the last model's input.
    last.description.input[0].CopyFrom(front_message.description.output[0])
    last.description.trainingInput[0].CopyFrom(front_message.description.output[0])
    return open_model(serialize(model))

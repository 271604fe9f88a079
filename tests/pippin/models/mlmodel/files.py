"""Small models of every kind that can be trained, as messages to put together and to spoil."""

from collections.abc import Callable, Sequence
from typing import Any

from coremltools.models import datatypes
from coremltools.models.nearest_neighbors import KNearestNeighborsClassifierBuilder
from coremltools.models.neural_network import NeuralNetworkBuilder, SgdParams

from pippin.models.mlmodel import build
from pippin.models.mlmodel.proto import Message, new_model, parse, serialize
from pippin.models.spec import resolve
from tests.support.specs import small_spec

DENSE: dict[str, Any] = {"type": "inner_product", "name": "dense", "output_channels": 2, "updatable": True}
SOFTMAX: dict[str, Any] = {"type": "softmax", "name": "softmax", "output": "y"}
# The layers behind an image.
HEAD = [{"type": "flatten", "name": "flat"}, DENSE, SOFTMAX]


def small_file(**changes: object) -> bytes:
    """The small model of the spec language, changed by the arguments."""
    return build(resolve(small_spec(**changes)))


def message_in(data: bytes) -> Message:
    """A file as coremltools parses it, without any check of ours."""
    model = new_model()
    model.ParseFromString(data)
    return model


def spoiled(harm: Callable[[Message], object]) -> bytes:
    """The small model's file after something was done to its message."""
    model = message_in(small_file())
    harm(model)
    return serialize(model)


def trained(builder: NeuralNetworkBuilder, output: str, *shape: int) -> Message:
    """The model of coremltools' builder, its layer `dense` trained by squares; without a shape, by cross entropy."""
    builder.make_updatable(["dense"])
    if shape:
        builder.set_mean_squared_error_loss(name="loss", input_feature=(output, datatypes.Array(*shape)))
    else:
        builder.set_categorical_cross_entropy_loss(name="loss", input=output)
    builder.set_sgd_optimizer(SgdParams(lr=0.05, batch=8))
    builder.set_epochs(10)
    return builder.spec


def network(**changes: object) -> Message:
    """An updatable softmax over two classes `y` on a vector `point` of two; a value of `...` leaves a field out."""
    document: dict[str, Any] = {
        "inputs": [{"name": "point", "shape": [2]}],
        "outputs": [{"name": "y"}],
        "layers": [DENSE, SOFTMAX],
        "optimizer": {"type": "sgd", "learning_rate": 0.1, "mini_batch_size": 4},
        "epochs": 1,
    }
    return parse(small_file(**document | changes))


def embedding(reads: str = "x", makes: str = "point", version: int = 4) -> Message:
    """A frozen network from a vector of two to another."""
    model = network(
        inputs=[{"name": reads, "shape": [2]}],
        outputs=[{"name": makes}],
        layers=[
            DENSE | {"name": "embed"},
            {"type": "relu", "name": "relu", "output": makes},
        ],
        loss={"type": "mean_squared_error"},
    )
    freeze(model)
    model.specificationVersion = version
    return model


def freeze(model: Message) -> None:
    """Make a network one that only predicts."""
    model.ClearField("isUpdatable")
    model.description.ClearField("trainingInput")
    network = getattr(model, model.WhichOneof("Type"))
    network.ClearField("updateParams")
    for layer in network.layers:
        layer.ClearField("isUpdatable")


def neighbors(samples: Sequence[Sequence[float]] = (), labels: Sequence[str | int] = (), **options: Any) -> Message:  # noqa: ANN401 - the builder's own
    """A nearest-neighbour classifier that tells the `color` of `point`; keywords go to coremltools' builder."""
    settings = {"number_of_dimensions": 2, "default_class_label": "none", "number_of_neighbors": 3} | options
    builder = KNearestNeighborsClassifierBuilder(input_name="point", output_name="color", **settings)
    if samples:
        builder.add_samples(samples, labels)
    return builder.spec


def pipeline(*stages: Message, kind: str = "pipeline", names: Sequence[str] = ()) -> Message:
    """An updatable pipeline that reads what its first model does, and answers and learns what its last one does."""
    model = new_model()
    model.specificationVersion = 4
    model.isUpdatable = True
    model.description.input.extend(stages[0].description.input)
    model.description.output.extend(stages[-1].description.output)
    made = {feature.name for stage in stages[:-1] for feature in stage.description.output}
    model.description.trainingInput.extend(stages[0].description.input)
    held = {feature.name for feature in stages[0].description.input}
    for feature in stages[-1].description.trainingInput:
        if feature.name not in made | held:
            model.description.trainingInput.add().CopyFrom(feature)
    getattr(model, kind).SetInParent()
    held_in = model.pipeline if kind == "pipeline" else getattr(model, kind).pipeline
    held_in.models.extend(stages)
    held_in.names.extend(names)
    return model

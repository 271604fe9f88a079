"""From an updatable `.mlmodel` to the spec language and arrays."""

from collections.abc import Mapping
from dataclasses import dataclass

from pippin.mlmodel.errors import ModelFileError
from pippin.mlmodel.features import read_feature
from pippin.mlmodel.layers import layer_type, read_layer, read_weights
from pippin.mlmodel.metadata import read_initializer, read_metadata
from pippin.mlmodel.proto import Message, parse
from pippin.mlmodel.training import read_training
from pippin.spec import ResolvedSpec, SpecError, resolve
from pippin.spec.weighted import Weighted
from pippin.spec.weights import Weights


@dataclass(frozen=True)
class Model:
    """An updatable model.

    Attributes:
        resolved: The model in the spec language. Its layers name no weights.
        weights: Of every layer that has some.
        metadata: Every user-defined key, Pippin's own among them.
    """

    resolved: ResolvedSpec
    weights: Weights
    metadata: Mapping[str, str]


def read(data: bytes) -> Model:
    """Read an updatable neural network.

    Raises:
        ModelFileError: The bytes are none that Pippin can train; the text says why.
    """
    model = parse(data)
    network = _network(model)
    try:
        resolved = resolve(_document(model, network))
    except SpecError as error:
        raise ModelFileError(f"the file holds no model that can be trained: {error}") from error
    return Model(
        resolved=resolved,
        weights={
            entry.layer.name: read_weights(entry, message)
            for entry, message in zip(resolved.layers, network.layers, strict=True)
            if entry.weight_shapes
        },
        metadata=dict(model.description.metadata.userDefined),
    )


def _network(model: Message) -> Message:
    """The network of a model that is one, and updatable.

    Raises:
        ModelFileError: It is not.
    """
    kind = model.WhichOneof("Type")
    if kind != "neuralNetwork":
        raise ModelFileError(f"the file holds a model of kind {kind}; Pippin trains those of kind neuralNetwork")
    if not model.isUpdatable:
        raise ModelFileError("the model is not updatable; Pippin trains models that were made with isUpdatable")
    network = model.neuralNetwork
    if network.preprocessing:
        raise ModelFileError("the network preprocesses images; Pippin trains networks whose inputs are arrays")
    if network.arrayInputShapeMapping != 0:
        raise ModelFileError("the network maps its arrays as EXACT; Pippin knows RANK5, the format's default")
    return network


def _document(model: Message, network: Message) -> dict[str, object]:
    """The model in the spec language."""
    description = model.description
    return {
        "version": model.specificationVersion,
        **read_metadata(description.metadata),
        "inputs": [read_feature(feature) for feature in description.input],
        "outputs": [read_feature(feature) for feature in description.output],
        "training_inputs": [read_feature(feature) for feature in description.trainingInput],
        "layers": [
            read_layer(layer)
            | (read_initializer(layer.name, description.metadata) if issubclass(layer_type(layer), Weighted) else {})
            for layer in network.layers
        ],
        **read_training(network.updateParams),
    }

"""Reads an updatable `.mlmodel` into the spec language and arrays."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from pippin.errors import Fault, pointer
from pippin.models.mlmodel.errors import OUTPUT_RANKS, ModelFileError
from pippin.models.mlmodel.features import read_classes, read_features
from pippin.models.mlmodel.layers import misstated_ranks, read_layers, read_weights
from pippin.models.mlmodel.metadata import read_metadata, read_seeds
from pippin.models.mlmodel.preprocessing import read_mean_images, read_preprocessing
from pippin.models.mlmodel.proto import Message, check_has_no_functions, check_updatable, network_of, parse
from pippin.models.mlmodel.training import read_training
from pippin.models.spec import ArrayFeature, ResolvedNetwork, ResolvedSpec, SpecError, resolve, resolve_network
from pippin.models.spec.weights import Weights


@dataclass(frozen=True)
class FrozenNetwork:
    """An inference-only network.

    Attributes:
        resolved: The network in the spec language. Its layers hold no weights.
        weights: The weights of every layer that has any.
    """

    resolved: ResolvedNetwork
    weights: Weights


@dataclass(frozen=True)
class Model(FrozenNetwork):
    """An updatable network.

    Attributes:
        resolved: The model in the spec language.
        metadata: Every user-defined key, including Pippin's own keys.
    """

    resolved: ResolvedSpec
    metadata: Mapping[str, str]


def read(data: bytes) -> Model:
    """Read an updatable neural network.

    Raises:
        ModelFileError: The bytes hold no network that Pippin can train; the error carries every fault.
    """
    return read_network(parse(data))


def read_network(model: Message) -> Model:
    """The updatable neural network of a message.

    Raises:
        ModelFileError: As `read` does.
    """
    network = network_of(model)
    check_updatable(model)
    check_has_no_functions(model)
    try:
        resolved = resolve(_document(model, network))
    except SpecError as error:
        raise ModelFileError(f"the file holds no model that can be trained: {error}", error.faults) from error
    _check_ranks(model, network, resolved)
    return Model(
        resolved=replace(resolved, mean_images=read_mean_images(network, resolved.inputs)),
        weights=read_weights(resolved, network),
        metadata=dict(model.description.metadata.userDefined),
    )


def read_frozen(model: Message) -> FrozenNetwork:
    """The network of a message that is not trained, whether or not it is marked updatable.

    Raises:
        ModelFileError: The message holds no network, or one that Pippin cannot compute.
    """
    network = network_of(model)
    check_has_no_functions(model)
    try:
        resolved = resolve_network(_network_document(model, network))
    except SpecError as error:
        raise ModelFileError(f"the file holds no network that can be computed: {error}", error.faults) from error
    _check_ranks(model, network, resolved)
    return FrozenNetwork(
        replace(resolved, mean_images=read_mean_images(network, resolved.inputs)), read_weights(resolved, network)
    )


def _check_ranks(model: Message, network: Message, resolved: ResolvedNetwork) -> None:
    """Refuse stated ranks of outputs and layers that differ from the blobs' ranks, if Core ML relies on them.

    Raises:
        ModelFileError: A stated rank differs.
    """
    if not resolved.has_true_ranks:
        return
    faults = list(misstated_ranks(resolved, network))
    for index, (declared, output) in enumerate(zip(model.description.output, resolved.outputs, strict=True)):
        shape = tuple(declared.type.multiArrayType.shape)
        if isinstance(output, ArrayFeature) and shape not in ((), output.shape):
            detail = (
                f"found {list(shape)}; the layers output {list(output.lengths)}, and either all axes must be declared "
                "or none"
            )
            faults.append(Fault(pointer("outputs", index, "shape"), detail, OUTPUT_RANKS))
    if faults:
        raise ModelFileError(faults[0].detail, faults)


def _document(model: Message, network: Message) -> dict[str, object]:
    """The model in the spec language."""
    return {
        **_network_document(model, network),
        **read_seeds(model.description.metadata),
        "training_inputs": _features(model.description.trainingInput, "training_inputs", network, model),
        **read_training(network.updateParams),
    }


# By enum value of `NeuralNetworkMultiArrayShapeMapping` and `NeuralNetworkImageShapeMapping`. The parser accepts other
# values too.
_ARRAY_MAPPINGS = {0: "rank5", 1: "exact"}
_IMAGE_MAPPINGS = {0: "rank5", 1: "rank4"}


def _network_document(model: Message, network: Message) -> dict[str, object]:
    """The model without its training parameters, in the spec language."""
    description = model.description
    return {
        "version": model.specificationVersion,
        **read_metadata(description.metadata),
        "inputs": _features(description.input, "inputs", network, model),
        "outputs": read_features(description.output, "outputs"),
        "layers": read_layers(network, description.metadata),
        "array_input_shape_mapping": _ARRAY_MAPPINGS.get(network.arrayInputShapeMapping, "unknown"),
        "image_input_shape_mapping": _IMAGE_MAPPINGS.get(network.imageInputShapeMapping, "unknown"),
        **read_classes(model, network),
    }


def _features(messages: Message, field: str, network: Message, model: Message) -> list[dict[str, object]]:
    """Input features; images include the scale and bias of their scaler."""
    inputs = read_features(model.description.input, "inputs")
    images = {str(each["name"]): str(each["color"]) for each in inputs if each["type"] == "image"}
    scalers = read_preprocessing(network, images)
    features = read_features(messages, field)
    return [each | scalers.get(str(each["name"]), {}) if each["type"] == "image" else each for each in features]

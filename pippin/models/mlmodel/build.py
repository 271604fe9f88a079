"""Builds an updatable `.mlmodel` from a spec."""

from pippin.models.mlmodel.errors import ModelFileError
from pippin.models.mlmodel.features import write_classes, write_feature
from pippin.models.mlmodel.layers import write_layer
from pippin.models.mlmodel.metadata import write_metadata
from pippin.models.mlmodel.preprocessing import write_preprocessing
from pippin.models.mlmodel.proto import Message, new_model, serialize
from pippin.models.mlmodel.training import write_training
from pippin.models.spec import ModelSpec, ResolvedSpec
from pippin.models.spec.weights import Weights, initial_weights


def build(resolved: ResolvedSpec, weights: Weights | None = None) -> bytes:
    """Write the file of a spec.

    Args:
        resolved: The model.
        weights: The weights of every layer that has any; by default the spec's initial weights.

    Returns:
        The bytes of an `.mlmodel`: the same for the same spec and weights in every process.

    Raises:
        ModelFileError: The weights do not match the model's layers, or are too large for a file.
    """
    spec = resolved.spec
    weights = initial_weights(resolved) if weights is None else weights
    if unknown := weights.keys() - {entry.layer.name for entry in resolved.layers}:
        raise ModelFileError(f"got weights for {', '.join(sorted(unknown))}; the model has no such layer")
    model = new_model()
    model.specificationVersion = spec.version
    model.isUpdatable = True
    write_metadata(spec, model.description.metadata)
    for features, field in (
        (resolved.inputs, model.description.input),
        (resolved.outputs, model.description.output),
        (resolved.training_inputs, model.description.trainingInput),
    ):
        for feature in features:
            write_feature(feature, field.add())
    network = _network(spec, model)
    network.arrayInputShapeMapping = _ARRAY_MAPPINGS[spec.array_input_shape_mapping]
    network.imageInputShapeMapping = _IMAGE_MAPPINGS[spec.image_input_shape_mapping]
    write_preprocessing(resolved.inputs, resolved.mean_images, network)
    write_classes(spec, model, network)
    for entry in resolved.layers:
        write_layer(entry, weights.get(entry.layer.name, {}), network.layers.add())
    write_training(spec, network.updateParams)
    return serialize(model)


# Enum values of `NeuralNetworkMultiArrayShapeMapping` and `NeuralNetworkImageShapeMapping`.
_ARRAY_MAPPINGS = {"rank5": 0, "exact": 1}
_IMAGE_MAPPINGS = {"rank5": 0, "rank4": 1}


def _network(spec: ModelSpec, model: Message) -> Message:
    if spec.classifier is not None:
        return model.neuralNetworkClassifier
    return model.neuralNetworkRegressor if spec.regressor is not None else model.neuralNetwork

"""From a spec to an updatable `.mlmodel`."""

from pippin.mlmodel.errors import ModelFileError
from pippin.mlmodel.features import write_feature
from pippin.mlmodel.layers import write_layer
from pippin.mlmodel.metadata import write_metadata
from pippin.mlmodel.proto import new_model, serialize
from pippin.mlmodel.training import write_training
from pippin.spec import ResolvedSpec
from pippin.spec.initializers import initial_weights
from pippin.spec.weights import Weights


def build(resolved: ResolvedSpec, weights: Weights | None = None) -> bytes:
    """Write the file of a spec.

    Arrays are mapped as RANK5, the format's default: [C] or [C, H, W].

    Args:
        resolved: The model.
        weights: Those of every layer that has some; left out, the spec's initial ones.

    Returns:
        The bytes of an `.mlmodel`: the same for the same spec and weights in every process.

    Raises:
        ModelFileError: The weights are not the model's, or too large for a file.
    """
    spec = resolved.spec
    weights = initial_weights(resolved) if weights is None else weights
    if strangers := weights.keys() - {entry.layer.name for entry in resolved.layers}:
        raise ModelFileError(f"got weights for {', '.join(sorted(strangers))}; the model has no such layer")
    model = new_model()
    model.specificationVersion = spec.version
    model.isUpdatable = True
    write_metadata(spec, model.description.metadata)
    for features, field in (
        (spec.inputs, model.description.input),
        (spec.outputs, model.description.output),
        (spec.training_inputs or (), model.description.trainingInput),
    ):
        for feature in features:
            write_feature(feature, field.add())
    for entry in resolved.layers:
        write_layer(entry, weights.get(entry.layer.name, {}), model.neuralNetwork.layers.add())
    write_training(spec, model.neuralNetwork.updateParams)
    return serialize(model)

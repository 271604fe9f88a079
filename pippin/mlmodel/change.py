"""Changes to a file that leave everything else in it as it is."""

from collections.abc import Mapping
from types import MappingProxyType

from pippin.mlmodel.arrays import write_array
from pippin.mlmodel.errors import ModelFileError
from pippin.mlmodel.proto import Message, at, parse, serialize
from pippin.mlmodel.read import read
from pippin.spec.weights import Weights

_NOTHING: Mapping[str, str] = MappingProxyType({})


def with_weights(data: bytes, weights: Weights, metadata: Mapping[str, str] = _NOTHING) -> bytes:
    """The file with other weights.

    Args:
        data: An updatable model.
        weights: Of the layers whose weights change, which may be some of them only.
        metadata: User-defined keys to set; the others stay.

    Raises:
        ModelFileError: The file is no updatable model, or the weights are not its layers'.
    """
    entries = {entry.layer.name: entry for entry in read(data).resolved.layers}
    model = parse(data)
    messages = {message.name: message for message in model.neuralNetwork.layers}
    for name, arrays in weights.items():
        if name not in entries:
            raise ModelFileError(f"got weights for {name!r}; the model has no such layer")
        entry = entries[name]
        for key, array in arrays.items():
            shape = entry.weight_shapes.get(key)
            if array.shape != shape:
                needed = f"shape {list(shape)}" if shape is not None else f"only {sorted(entry.weight_shapes)}"
                raise ModelFileError(f"got {key} of shape {list(array.shape)} for layer {name!r}; it has {needed}")
            parameters = at(messages[name], entry.layer.proto_path)
            write_array(array, entry.layer.weight_message(parameters, key))
    model.description.metadata.userDefined.update(metadata)
    return serialize(model)


def inference_variant(data: bytes) -> bytes:
    """The file as a model that only predicts: every updatable flag and all that only training needs is gone.

    Raises:
        ModelFileError: The bytes are no neural network.
    """
    model = parse(data)
    kind = model.WhichOneof("Type")
    if kind != "neuralNetwork":
        raise ModelFileError(f"the file holds a model of kind {kind}; Pippin knows those of kind neuralNetwork")
    model.ClearField("isUpdatable")
    model.description.ClearField("trainingInput")
    model.neuralNetwork.ClearField("updateParams")
    for layer in model.neuralNetwork.layers:
        layer.ClearField("isUpdatable")
        _freeze_weights(layer)
    return serialize(model)


def _freeze_weights(message: Message) -> None:
    """Clear the flag of every `WeightParams` inside `message`, however deep a layer keeps it."""
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        for inner in value if field.is_repeated else (value,):
            if field.message_type.name == "WeightParams":
                inner.ClearField("isUpdatable")
            else:
                _freeze_weights(inner)

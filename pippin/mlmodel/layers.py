"""Layers in the file: `NeuralNetworkLayer`."""

import numpy as np
from numpy.typing import NDArray

from pippin.mlmodel.arrays import read_array, write_array
from pippin.mlmodel.errors import ModelFileError
from pippin.mlmodel.proto import Message, at, kind_of
from pippin.spec import ResolvedLayer
from pippin.spec.layer import Layer
from pippin.spec.table import LAYERS_BY_PROTO_PATH
from pippin.spec.weights import LayerWeights


def write_layer(entry: ResolvedLayer, weights: LayerWeights, message: Message) -> None:
    """Write a layer and its weights.

    Raises:
        ModelFileError: The weights are not the layer's.
    """
    layer = entry.layer
    message.name = layer.name
    message.input.extend(entry.inputs)
    message.output.extend(entry.outputs)
    message.isUpdatable = layer.updatable
    parameters = at(message, layer.proto_path)
    parameters.SetInParent()
    layer.write(parameters)
    if weights.keys() != entry.weight_shapes.keys():
        raise ModelFileError(
            f"layer {layer.name!r} got weights named {sorted(weights)}; needs {sorted(entry.weight_shapes)}"
        )
    for key, shape in entry.weight_shapes.items():
        if weights[key].shape != shape:
            raise ModelFileError(
                f"{key} of layer {layer.name!r} are of shape {list(weights[key].shape)}; needs {list(shape)}"
            )
        blob = layer.weight_message(parameters, key)
        write_array(weights[key], blob)
        blob.isUpdatable = layer.updatable


def layer_type(message: Message) -> type[Layer]:
    """The spec language's class for a layer of the file.

    Raises:
        ModelFileError: There is none.
    """
    kind = kind_of(message)
    if kind not in LAYERS_BY_PROTO_PATH:
        raise ModelFileError(
            f"layer {message.name!r} is of kind {kind}; Pippin knows {', '.join(sorted(LAYERS_BY_PROTO_PATH))}"
        )
    return LAYERS_BY_PROTO_PATH[kind]


def read_layer(message: Message) -> dict[str, object]:
    """A layer without its weights, as a spec's document has it.

    Raises:
        ModelFileError: It is of a kind, or has a setting, that the spec language does not have.
    """
    kind = layer_type(message)
    try:
        fields = kind.read(at(message, kind.proto_path))
    except ValueError as error:
        raise ModelFileError(f"layer {message.name!r}: {error}") from None
    return {
        "type": kind.model_fields["type"].default,
        "name": message.name,
        "input": _one_or_all(message.input),
        "output": _one_or_all(message.output),
        "updatable": message.isUpdatable,
    } | fields


def read_weights(entry: ResolvedLayer, message: Message) -> dict[str, NDArray[np.float32]]:
    """The weights of a layer.

    Raises:
        ModelFileError: They are not what the layer's shapes need, or an updatable layer's are not marked so.
    """
    weights = {}
    for key, shape in entry.weight_shapes.items():
        blob = entry.layer.weight_message(at(message, entry.layer.proto_path), key)
        where = f"{key} of layer {message.name!r}"
        # A layer's own flag off means frozen, whatever its weights say.
        if entry.layer.updatable and not blob.isUpdatable:
            raise ModelFileError(f"{where} are not marked updatable; those of an updatable layer must be")
        weights[key] = read_array(blob, shape, where)
    return weights


def _one_or_all(names: Message) -> str | list[str]:
    return names[0] if len(names) == 1 else list(names)

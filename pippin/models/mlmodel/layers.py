"""Layers in the file: `NeuralNetworkLayer`."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from pippin.errors import Fault, pointer
from pippin.models.mlmodel.arrays import Channels, payloads, read_array, write_array
from pippin.models.mlmodel.errors import (
    LAYERS_KNOWN,
    LAYERS_TENSORS,
    WEIGHTS_PRECISION,
    WEIGHTS_QUANTIZED,
    WEIGHTS_SIZE,
    WEIGHTS_UPDATABLE,
    ModelFileError,
)
from pippin.models.mlmodel.metadata import read_initializer
from pippin.models.mlmodel.proto import Message, at, kind_of
from pippin.models.spec import ResolvedLayer, ResolvedNetwork
from pippin.models.spec.layer import one_or_all
from pippin.models.spec.layers.convolution import Deconvolution
from pippin.models.spec.layers.normalization import Batchnorm
from pippin.models.spec.model import MAX_LAYERS
from pippin.models.spec.table import LAYERS_BY_KIND
from pippin.models.spec.weighted import Drawn, Weighted
from pippin.models.spec.weights import LayerWeights


def write_layer(entry: ResolvedLayer, weights: LayerWeights, message: Message) -> None:
    """Write a layer and its weights.

    Raises:
        ModelFileError: The weights do not match the layer.
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


def read_layers(network: Message, metadata: Message) -> list[dict[str, object]]:
    """The layers without their weights, as a spec's document has them.

    Raises:
        ModelFileError: The spec language does not support the kind or a setting of a layer.
    """
    if len(network.layers) > MAX_LAYERS:
        raise ModelFileError(f"found {len(network.layers)} layers; needs at most {MAX_LAYERS}")
    layers, faults = [], []
    unknown: list[tuple[int, str]] = []
    for index, message in enumerate(network.layers):
        name = kind_of(message)
        if name not in LAYERS_BY_KIND:
            unknown.append((index, name or "of no kind"))
            continue
        try:
            layers.append(_read_layer(message, metadata))
        except ValueError as error:
            faults.append(Fault(pointer("layers", index), f"layer {message.name!r}: {error}", LAYERS_KNOWN))
    if unknown:
        at = pointer("layers", *([unknown[0][0]] if len(unknown) == 1 else []))
        faults.insert(0, Fault(at, _unknown_kinds(unknown), LAYERS_KNOWN))
    if faults:
        raise ModelFileError(faults[0].detail, faults)
    return layers


def _unknown_kinds(unknown: list[tuple[int, str]]) -> str:
    """One message for all layers of unknown kinds, because 200 separate faults would hide every other fault."""
    if len(unknown) <= _LISTED:
        shown = [f"{index} ({kind})" for index, kind in unknown]
    else:
        places: dict[str, list[int]] = {}
        for index, kind in unknown:
            places.setdefault(kind, []).append(index)
        shown = [f"{_few(indices)} ({kind})" for kind, indices in places.items()]
    *others, last = shown
    layers, are = (f"layers {', '.join(others)} and {last}", "are") if others else (f"layer {last}", "is")
    return f"{layers} {are} not known; known kinds are {', '.join(sorted(LAYERS_BY_KIND))}"


def _few(indices: list[int]) -> str:
    more = len(indices) - _LISTED_OF_A_KIND
    return ", ".join(map(str, indices[:_LISTED_OF_A_KIND])) + (f" and {more} more" if more > 0 else "")


_LISTED, _LISTED_OF_A_KIND = 10, 3


def _read_layer(message: Message, metadata: Message) -> dict[str, object]:
    kind = LAYERS_BY_KIND[kind_of(message) or ""]
    fields = kind.read(at(message, kind.proto_path))
    initializer = read_initializer(message.name, metadata) if issubclass(kind, Drawn) else {}
    return {
        "type": kind.model_fields["type"].default,
        "name": message.name,
        "input": one_or_all(tuple(message.input)),
        "output": one_or_all(tuple(message.output)),
        "updatable": message.isUpdatable,
        **fields,
        **initializer,
    }


def read_weights(resolved: ResolvedNetwork, network: Message) -> dict[str, dict[str, NDArray[np.float32]]]:
    """The weights of every layer that has any.

    Raises:
        ModelFileError: Weights do not match the layers' shapes, or weights of an updatable layer cannot be trained.
    """
    weights: dict[str, dict[str, NDArray[np.float32]]] = {}
    faults: list[Fault] = []
    for index, (entry, message) in enumerate(zip(resolved.layers, network.layers, strict=True)):
        for key, shape in entry.weight_shapes.items():
            blob = entry.layer.weight_message(at(message, entry.layer.proto_path), key)
            where, place = f"{key} of layer {message.name!r}", pointer("layers", index, key)
            faults += (fault.under(place) for fault in _untrainable(entry, blob, where))
            try:
                weights.setdefault(message.name, {})[key] = read_array(blob, shape, where, _channels(entry, key))
            except ModelFileError as error:
                faults.append(Fault(place, str(error), error.faults[0].rule or WEIGHTS_SIZE))
        faults += (fault.under(pointer("layers", index)) for fault in _of_two_precisions(entry, message))
    if faults:
        raise ModelFileError("; ".join(fault.detail for fault in faults[:5]), faults)
    return weights


def _channels(entry: ResolvedLayer, key: str) -> Channels | None:
    """The position of the output channels in the array `key` of a layer; None if they are on the first axis."""
    if isinstance(entry.layer, Deconvolution) and key == "weights":
        return Channels.of_a_deconvolution(entry.weight_shapes[key], entry.layer.groups)
    return None


def misstated_ranks(resolved: ResolvedNetwork, network: Message) -> Iterator[Fault]:
    """Faults of layers that state ranks other than those of their blobs. Source: NeuralNetworkValidator.cpp."""
    for index, (entry, message) in enumerate(zip(resolved.layers, network.layers, strict=True)):
        for field, tensors, shapes in (
            ("input", message.inputTensor, entry.input_shapes),
            ("output", message.outputTensor, entry.output_shapes),
        ):
            stated = [tensor.rank for tensor in tensors]
            lengths = [len(tensor.dimValue) for tensor in tensors]
            ranks = [len(shape) for shape in shapes]
            if stated and (
                stated != ranks or any(length not in (0, rank) for length, rank in zip(lengths, ranks, strict=False))
            ):
                yield Fault(
                    pointer("layers", index, field),
                    f"layer {message.name!r} states blobs of the ranks {stated}; they have {ranks}",
                    LAYERS_TENSORS,
                )


def _of_two_precisions(entry: ResolvedLayer, message: Message) -> Iterator[Fault]:
    """A fault if a layer has half-float and 32-bit arrays. Source: NeuralNetworkLayerValidator.cpp.

    That validator checks all arrays of a batch normalization, even arrays that the layer computes.
    """
    layer = entry.layer
    keys = layer.array_fields if isinstance(layer, Batchnorm) else tuple(entry.weight_shapes)
    parameters = at(message, layer.proto_path)
    kept = {key: payloads(layer.weight_message(parameters, key)) for key in keys}
    single = next((key for key, fields in kept.items() if fields == ["floatValue"]), None)
    half = next((key for key, fields in kept.items() if fields == ["float16Value"]), None)
    if single is not None and half is not None:
        yield Fault(
            pointer(half),
            f"{half} of layer {message.name!r} are half floats and {single} are 32-bit floats; needs one precision",
            WEIGHTS_PRECISION,
        )


def _untrainable(entry: ResolvedLayer, blob: Message, where: str) -> Iterator[Fault]:
    """Faults that prevent training of an updatable layer's weights. Source: UpdatableNeuralNetworkValidator.cpp.

    A layer whose own flag is off is frozen, regardless of the flags of its weights.
    """
    if not entry.layer.updatable:
        return
    # Apple's validator does not check the flags of an LSTM's weights.
    if not blob.isUpdatable and isinstance(entry.layer, Weighted):
        yield Fault("", f"{where} are not marked updatable; those of an updatable layer must be", WEIGHTS_UPDATABLE)
    if blob.HasField("quantization"):
        yield Fault("", f"{where} are quantised; those of an updatable layer must not be", WEIGHTS_QUANTIZED)

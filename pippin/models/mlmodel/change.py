"""Changes to a model file that leave the rest of the file unchanged."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from pippin.models.mlmodel.arrays import write_array
from pippin.models.mlmodel.errors import ModelFileError
from pippin.models.mlmodel.pipeline import stages_of
from pippin.models.mlmodel.proto import NEIGHBORS, PIPELINES, Message, at, network_of, parse, serialize
from pippin.models.mlmodel.read import read_network
from pippin.models.mlmodel.training import widen_parameter, widen_training
from pippin.models.neighbors import write_samples
from pippin.models.spec.weights import Weights

_NO_METADATA: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Samples:
    """The samples of a nearest-neighbour classifier.

    Attributes:
        points: [n, dimensions].
        labels: One label per point.
    """

    points: NDArray[np.float32]
    labels: tuple[str, ...] | tuple[int, ...]


Learned: TypeAlias = Weights | Samples
"""The trained parameters: a network's weights, or a nearest-neighbour classifier's samples."""


def with_learned(data: bytes, learned: Learned, metadata: Mapping[str, str] = _NO_METADATA) -> bytes:
    """The file after training.

    Args:
        data: An updatable model.
        learned: The trained weights or samples; those of the last model for a pipeline. The weights may cover only
            some layers.
        metadata: User-defined keys to set; other keys keep their values.

    Raises:
        ModelFileError: The file is not an updatable model, or the weights do not match its layers.
    """
    model = parse(data)
    trained = trained_part(model)
    if isinstance(learned, Samples):
        write_samples(trained, learned.points, learned.labels)
    else:
        _write_weights(trained, learned)
    model.description.metadata.userDefined.update(metadata)
    return serialize(model)


def trained_part(model: Message) -> Message:
    """The model that training changes: the last model of a pipeline, otherwise `model` itself."""
    if model.WhichOneof("Type") not in PIPELINES:
        return model
    stages = stages_of(model).models
    if not stages:
        raise ModelFileError("the pipeline has no models")
    return stages[-1]


def _write_weights(model: Message, weights: Weights) -> None:
    network = read_network(model)
    entries = {entry.layer.name: entry for entry in network.resolved.layers}
    messages = {message.name: message for message in network_of(model).layers}
    for name, arrays in weights.items():
        if name not in entries:
            raise ModelFileError(f"got weights for {name!r}; the model has no such layer")
        entry = entries[name]
        for key, array in arrays.items():
            shape = entry.weight_shapes.get(key)
            if array.shape != shape:
                needed = f"shape {list(shape)}" if shape is not None else f"only {sorted(entry.weight_shapes)}"
                raise ModelFileError(f"got {key} of shape {list(array.shape)} for layer {name!r}; it has {needed}")
        # A frozen layer may be quantised; its stored weights are not changed.
        if entry.layer.updatable:
            parameters = at(messages[name], entry.layer.proto_path)
            # Write all arrays of the layer, since they must have the same precision.
            for key, array in {**network.weights[name], **arrays}.items():
                write_array(array, entry.layer.weight_message(parameters, key))


def with_widened_limits(data: bytes, hyperparameters: Mapping[str, float]) -> bytes:
    """The file with limits widened just enough to allow `hyperparameters`, since Core ML enforces the limits.

    Args:
        data: An updatable model.
        hyperparameters: Values by the names of the spec language. Names that the model does not declare are ignored.

    Raises:
        ModelFileError: The file is not an updatable model.
    """
    model = parse(data)
    trained = trained_part(model)
    if trained.WhichOneof("Type") == NEIGHBORS:
        widen_parameter(
            trained.kNearestNeighborsClassifier.numberOfNeighbors, hyperparameters.get("number_of_neighbors")
        )
    else:
        widen_training(network_of(trained).updateParams, hyperparameters)
    return serialize(model)


def inference_variant(data: bytes) -> bytes:
    """The file as an inference-only model, without updatable flags and training parameters.

    Raises:
        ModelFileError: The file is not an updatable model.
    """
    model = parse(data)
    _strip(model)
    return serialize(model)


def _strip(model: Message) -> None:
    model.ClearField("isUpdatable")
    model.description.ClearField("trainingInput")
    kind = model.WhichOneof("Type")
    if kind in PIPELINES:
        for stage in stages_of(model).models:
            _strip(stage)
    elif kind != NEIGHBORS:
        network = network_of(model)
        network.ClearField("updateParams")
        for layer in network.layers:
            layer.ClearField("isUpdatable")
            _freeze_weights(layer)


def _freeze_weights(message: Message) -> None:
    """Clear the updatable flag of every `WeightParams` inside `message`, at any depth."""
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        for inner in value if field.is_repeated else (value,):
            if field.message_type.name == "WeightParams":
                inner.ClearField("isUpdatable")
            else:
                _freeze_weights(inner)

"""Computes the outputs of any kind of model, batch by batch."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pippin.errors import Fault, pointer
from pippin.models.mlmodel import AnyModel, FrozenNetwork, Model, Pipeline
from pippin.models.neighbors import NeighborsModel
from pippin.models.neighbors import predict as predict_neighbors
from pippin.models.spec import ArrayFeature, CategoricalCrossEntropy, Feature, LabelFeature
from pippin.models.spec.features import DictionaryFeature, NumberFeature
from pippin.network import predict
from pippin.network.arrays import to_channels_first
from pippin.network.graph import compute
from pippin.network.indices import wrong_index
from pippin.predictions.errors import WrongIndexError, refused

ClassNames: TypeAlias = tuple[str, ...] | tuple[int, ...]
Labels: TypeAlias = list[str] | list[int]
Output: TypeAlias = NDArray[Any] | Labels | list[dict[str | int, float]]


@dataclass(frozen=True, eq=False)
class PredictedOutputs:
    """The outputs of a model for N examples.

    Attributes:
        outputs: By output name of the model: an array [N, *declared shape], [N] for a single number; a list of N
            labels; or a list of N dictionaries, label -> probability.
        labels: The class labels, by index; None for a model with class numbers only, or without classes.
        probabilities: [N, classes]; None for a model without classes.
        chosen: [N] the index of the class that the model outputs, for nearest neighbours, which choose by distance
            among classes with equally many votes. None for other models, which output the first of the likeliest.
    """

    outputs: Mapping[str, Output]
    labels: ClassNames | None
    probabilities: NDArray[np.floating[Any]] | None
    chosen: NDArray[np.integer[Any]] | None = None


def inputs_of(model: AnyModel) -> tuple[Feature, ...]:
    """The inputs that a prediction needs."""
    if isinstance(model, NeighborsModel):
        return (ArrayFeature(name=model.input, shape=(model.dimensions,)),)
    return model.inputs if isinstance(model, Pipeline) else model.resolved.inputs


def compute_outputs(model: AnyModel, inputs: Mapping[str, NDArray[Any]]) -> PredictedOutputs:
    """The outputs of a model, computed in 32-bit floats, batch by batch.

    Args:
        model: The model.
        inputs: Every input by name, [N, *declared shape], N at least 1: arrays scaled as for the training, images as
            pixels 0 to 255, gray or red, green, blue.

    Raises:
        NeighborsError: The features of a nearest-neighbour classifier are not finite numbers.
        PredictionError: An input has an index outside the vocabulary of an embedding.
    """
    count = len(next(iter(inputs.values())))
    parts = [_outputs_of_batch(model, inputs, rows) for rows in batches(model, count)]
    probabilities = [part.probabilities for part in parts if part.probabilities is not None]
    chosen = [part.chosen for part in parts if part.chosen is not None]
    return PredictedOutputs(
        outputs={name: _concatenated([part.outputs[name] for part in parts]) for name in parts[0].outputs},
        labels=parts[0].labels,
        probabilities=np.concatenate(probabilities) if probabilities else None,
        chosen=np.concatenate(chosen) if chosen else None,
    )


def _outputs_of_batch(model: AnyModel, inputs: Mapping[str, NDArray[Any]], rows: slice) -> PredictedOutputs:
    """The outputs of a model for some of the examples.

    Raises:
        PredictionError: An input has an index outside the vocabulary of an embedding.
    """
    try:
        return _outputs_of(model, {name: array[rows].astype(np.float32) for name, array in inputs.items()})
    except WrongIndexError as error:
        row = rows.start + error.wrong.row
        at = pointer("inputs", error.wrong.blob, row) if error.wrong.blob in inputs else pointer("inputs")
        where = "" if error.wrong.blob in inputs else f"of example {row}: "
        raise refused(Fault(at, f"{where}{error}")) from error


def inputs_of_last_model(pipeline: Pipeline, inputs: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
    """The features available to the last model of a pipeline: the inputs, and the outputs of all models before."""
    features: dict[str, Any] = dict(inputs)
    for stage in pipeline.front:
        features |= _outputs_of_network(stage, _inputs_for(stage, features)).outputs
    return features


def class_names(network: FrozenNetwork) -> ClassNames | None:
    """The class labels of a network; None for one that is not a classifier."""
    classifier = network.resolved.spec.classifier
    return None if classifier is None else classifier.labels


def class_probabilities(
    network: FrozenNetwork, inputs: Mapping[str, NDArray[Any]], outputs: Mapping[str, NDArray[Any]]
) -> NDArray[Any] | None:
    """The probabilities of a classifier, or the softmax that a cross-entropy compares with the target: [N, classes].

    None for a network without classes, and where `outputs` lacks the probabilities of a classifier.

    Args:
        network: The network.
        inputs: The inputs of the network.
        outputs: The result of `pippin.network.predict` for them; other values are computed.
    """
    resolved = network.resolved
    if resolved.spec.classifier is not None:
        probabilities = outputs.get(resolved.probabilities_blob)
        return None if probabilities is None else _flattened(probabilities)
    if not isinstance(network, Model) or not isinstance(network.resolved.spec.loss, CategoricalCrossEntropy):
        return None
    return compared_values(network, inputs, outputs)


def compared_values(
    model: Model, inputs: Mapping[str, NDArray[Any]], outputs: Mapping[str, NDArray[Any]]
) -> NDArray[Any]:
    """The values that the loss compares with the target: [N, values].

    Args:
        model: The network.
        inputs: The inputs of the network.
        outputs: The result of `pippin.network.predict` for them; other values are computed.
    """
    name = model.resolved.spec.loss.input
    assert name is not None
    if name in outputs:
        return _flattened(outputs[name])
    blobs = compute(model.resolved, model.weights, inputs, [name], xp=np, convolve=None)
    return _flattened(to_channels_first(blobs[name], np))


def _outputs_of(model: AnyModel, inputs: Mapping[str, NDArray[Any]]) -> PredictedOutputs:
    if isinstance(model, NeighborsModel):
        return _outputs_of_neighbors(model, inputs)
    if isinstance(model, Pipeline):
        return _outputs_of_pipeline(model, inputs)
    return _outputs_of_network(model, inputs)


def check_indices(network: FrozenNetwork, inputs: Mapping[str, NDArray[Any]]) -> None:
    """Refuse inputs with an index outside the vocabulary of an embedding.

    Raises:
        WrongIndexError: There is such an index.
    """
    if (wrong := wrong_index(network.resolved, network.weights, inputs)) is not None:
        raise WrongIndexError(wrong)


def _outputs_of_network(network: FrozenNetwork, inputs: Mapping[str, NDArray[Any]]) -> PredictedOutputs:
    check_indices(network, inputs)
    values = _predict_without_warnings(network, inputs)
    probabilities = class_probabilities(network, inputs, values)
    names = class_names(network)
    outputs: dict[str, Output] = {}
    for feature in network.resolved.outputs:
        if isinstance(feature, LabelFeature):
            assert names is not None
            assert probabilities is not None
            outputs[feature.name] = likeliest(probabilities, names)
        elif isinstance(feature, DictionaryFeature):
            assert names is not None
            assert probabilities is not None
            outputs[feature.name] = _dictionaries(probabilities, names)
        elif isinstance(feature, NumberFeature):
            outputs[feature.name] = values[feature.name].reshape(-1)
        else:
            outputs[feature.name] = values[feature.name]
    return PredictedOutputs(outputs, names, probabilities)


def _outputs_of_neighbors(model: NeighborsModel, inputs: Mapping[str, NDArray[Any]]) -> PredictedOutputs:
    result = predict_neighbors(model, _flattened(inputs[model.input]))
    outputs: dict[str, Output] = {model.predicted_feature: list(result.labels)}  # type: ignore[dict-item] # all of one kind
    if model.probabilities is not None:
        outputs[model.probabilities] = _dictionaries(result.probabilities, result.classes)
    return PredictedOutputs(outputs, result.classes, result.probabilities, result.columns)


def _outputs_of_pipeline(pipeline: Pipeline, inputs: Mapping[str, NDArray[Any]]) -> PredictedOutputs:
    features = inputs_of_last_model(pipeline, inputs)
    last = _outputs_of(pipeline.last, _inputs_for(pipeline.last, features))
    features |= last.outputs
    outputs = {feature.name: features[feature.name] for feature in pipeline.outputs}
    return PredictedOutputs(outputs, last.labels, last.probabilities, last.chosen)


def _inputs_for(model: FrozenNetwork | NeighborsModel, features: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    names = (model.input,) if isinstance(model, NeighborsModel) else [f.name for f in model.resolved.inputs]
    return {name: features[name] for name in names}


def _predict_without_warnings(network: FrozenNetwork, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    # NaN and infinite values are visible in the outputs; NumPy's warnings would only add lines to the log.
    with np.errstate(all="ignore"):
        return predict(network.resolved, network.weights, inputs)


def likeliest(probabilities: NDArray[Any], names: Sequence[str | int]) -> Any:  # noqa: ANN401 - texts or numbers, not both
    """The label of the largest probability of each row; of equal probabilities, the first."""
    return [names[column] for column in probabilities.argmax(axis=1).tolist()]


def _dictionaries(probabilities: NDArray[Any], names: Sequence[str | int]) -> list[dict[str | int, float]]:
    return [dict(zip(names, row, strict=True)) for row in probabilities.tolist()]


def _flattened(array: NDArray[Any]) -> NDArray[Any]:
    return array.reshape(len(array), -1)


def _concatenated(parts: Sequence[Any]) -> Any:  # noqa: ANN401 - arrays, or lists
    if len(parts) == 1:
        return parts[0]
    return np.concatenate(parts) if isinstance(parts[0], np.ndarray) else [each for part in parts for each in part]


# Numbers in the blobs of a batch: 16 MiB. A convolution makes one copy of its input for each cell of its kernel.
_MAX_NUMBERS = 2**22
# Larger batches are not faster.
_MAX_EXAMPLES = 256


def batches(model: AnyModel, count: int) -> Iterator[slice]:
    """Slices of `count` examples, in order, of a size at which memory does not grow with `count`."""
    size = max(1, min(_MAX_EXAMPLES, _MAX_NUMBERS // max(1, _values_per_example(model))))
    return (slice(begin, min(begin + size, count)) for begin in range(0, count, size))


def _values_per_example(model: AnyModel) -> int:
    """The number of values in the blobs of one example."""
    if isinstance(model, NeighborsModel):
        return model.dimensions
    if isinstance(model, Pipeline):
        return sum(map(_values_per_example_of_network, model.front)) + _values_per_example(model.last)
    return _values_per_example_of_network(model)


def _values_per_example_of_network(network: FrozenNetwork) -> int:
    return sum(map(prod, network.resolved.shapes.values()))

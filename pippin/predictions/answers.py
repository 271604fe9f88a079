"""A model's answers, whatever kind of model it is."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pippin.errors import Fault, pointer
from pippin.models.mlmodel import AnyModel, FrozenNetwork, Model, Pipeline
from pippin.models.neighbors import NeighborsModel
from pippin.models.neighbors import predict as ask_neighbors
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
class Answers:
    """What a model answers to N examples.

    Attributes:
        outputs: By the names that the model declares: an array [N, *declared shape], [N] for a single number; a list
            of N labels; or a list of N dictionaries, label -> probability.
        labels: What the classes are called, by index; None where the model knows them by number only, or has none.
        probabilities: [N, classes] where the model tells classes apart, else None.
        chosen: [N] the class that the model answers, by index, where it is not the first of the likeliest: nearest
            neighbours choose by distance among classes with as many votes. None where it is.
    """

    outputs: Mapping[str, Output]
    labels: ClassNames | None
    probabilities: NDArray[np.floating[Any]] | None
    chosen: NDArray[np.integer[Any]] | None = None


def inputs_of(model: AnyModel) -> tuple[Feature, ...]:
    """What a prediction needs."""
    if isinstance(model, NeighborsModel):
        return (ArrayFeature(name=model.input, shape=(model.dimensions,)),)
    return model.inputs if isinstance(model, Pipeline) else model.resolved.inputs


def answer(model: AnyModel, inputs: Mapping[str, NDArray[Any]]) -> Answers:
    """What a model answers, computed in 32-bit floats, a portion of the examples at a time.

    Args:
        model: The model.
        inputs: Every input by name, [N, *declared shape], N at least 1: arrays as they were scaled for the training,
            images as pixels 0 to 255, gray or red, green, blue.

    Raises:
        NeighborsError: The features of a nearest-neighbour classifier are no finite numbers.
        PredictionError: An embedding is to look up an index that it does not know.
    """
    count = len(next(iter(inputs.values())))
    parts = [_portion(model, inputs, rows) for rows in portions(model, count)]
    shares = [part.probabilities for part in parts if part.probabilities is not None]
    chosen = [part.chosen for part in parts if part.chosen is not None]
    return Answers(
        outputs={name: _joined([part.outputs[name] for part in parts]) for name in parts[0].outputs},
        labels=parts[0].labels,
        probabilities=np.concatenate(shares) if shares else None,
        chosen=np.concatenate(chosen) if chosen else None,
    )


def _portion(model: AnyModel, inputs: Mapping[str, NDArray[Any]], rows: slice) -> Answers:
    """What a model answers to some of the examples.

    Raises:
        PredictionError: An embedding is to look up an index that it does not know.
    """
    try:
        return _at_once(model, {name: array[rows].astype(np.float32) for name, array in inputs.items()})
    except WrongIndexError as error:
        row = rows.start + error.wrong.row
        at = pointer("inputs", error.wrong.blob, row) if error.wrong.blob in inputs else pointer("inputs")
        where = "" if error.wrong.blob in inputs else f"of example {row}: "
        raise refused(Fault(at, f"{where}{error}")) from error


def behind_the_front(pipeline: Pipeline, inputs: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
    """What the last model of a pipeline finds: the inputs, and the outputs of every model before it."""
    there: dict[str, Any] = dict(inputs)
    for stage in pipeline.front:
        there |= _network(stage, _read_by(stage, there)).outputs
    return there


def class_names(network: FrozenNetwork) -> ClassNames | None:
    """What a network calls its classes; None for one that is no classifier."""
    classifier = network.resolved.spec.classifier
    return None if classifier is None else classifier.labels


def class_probabilities(
    network: FrozenNetwork, inputs: Mapping[str, NDArray[Any]], made: Mapping[str, NDArray[Any]]
) -> NDArray[Any] | None:
    """[N, classes] of a network that tells classes apart, else None; None too where `made` lacks a classifier's.

    These are a classifier's probabilities, or what the softmax makes that a cross-entropy judges.

    Args:
        network: The network.
        inputs: Its inputs.
        made: What `pippin.network.predict` has made of them; the rest is computed.
    """
    resolved = network.resolved
    if resolved.spec.classifier is not None:
        shares = made.get(resolved.probabilities_blob)
        return None if shares is None else _flat(shares)
    if not isinstance(network, Model) or not isinstance(network.resolved.spec.loss, CategoricalCrossEntropy):
        return None
    return judged_values(network, inputs, made)


def judged_values(model: Model, inputs: Mapping[str, NDArray[Any]], made: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
    """[N, values] that the loss compares with the target.

    Args:
        model: The network.
        inputs: Its inputs.
        made: What `pippin.network.predict` has made of them; the rest is computed.
    """
    name = model.resolved.spec.loss.input
    assert name is not None
    if name in made:
        return _flat(made[name])
    blobs = compute(model.resolved, model.weights, inputs, [name], xp=np, convolve=None)
    return _flat(to_channels_first(blobs[name], np))


def _at_once(model: AnyModel, inputs: Mapping[str, NDArray[Any]]) -> Answers:
    if isinstance(model, NeighborsModel):
        return _neighbors(model, inputs)
    if isinstance(model, Pipeline):
        return _pipeline(model, inputs)
    return _network(model, inputs)


def check_indices(network: FrozenNetwork, inputs: Mapping[str, NDArray[Any]]) -> None:
    """Refuse examples in which an embedding is to look up what it does not know.

    Raises:
        WrongIndexError: There is one.
    """
    if (wrong := wrong_index(network.resolved, network.weights, inputs)) is not None:
        raise WrongIndexError(wrong)


def _network(network: FrozenNetwork, inputs: Mapping[str, NDArray[Any]]) -> Answers:
    check_indices(network, inputs)
    made = _quietly_predicted(network, inputs)
    shares = class_probabilities(network, inputs, made)
    names = class_names(network)
    outputs: dict[str, Output] = {}
    for feature in network.resolved.outputs:
        if isinstance(feature, LabelFeature):
            assert names is not None
            assert shares is not None
            outputs[feature.name] = likeliest(shares, names)
        elif isinstance(feature, DictionaryFeature):
            assert names is not None
            assert shares is not None
            outputs[feature.name] = _dictionaries(shares, names)
        elif isinstance(feature, NumberFeature):
            outputs[feature.name] = made[feature.name].reshape(-1)
        else:
            outputs[feature.name] = made[feature.name]
    return Answers(outputs, names, shares)


def _neighbors(model: NeighborsModel, inputs: Mapping[str, NDArray[Any]]) -> Answers:
    found = ask_neighbors(model, _flat(inputs[model.input]))
    outputs: dict[str, Output] = {model.predicted_feature: list(found.labels)}  # type: ignore[dict-item] # all of one kind
    if model.probabilities is not None:
        outputs[model.probabilities] = _dictionaries(found.probabilities, found.classes)
    return Answers(outputs, found.classes, found.probabilities, found.columns)


def _pipeline(pipeline: Pipeline, inputs: Mapping[str, NDArray[Any]]) -> Answers:
    there = behind_the_front(pipeline, inputs)
    last = _at_once(pipeline.last, _read_by(pipeline.last, there))
    there |= last.outputs
    outputs = {feature.name: there[feature.name] for feature in pipeline.outputs}
    return Answers(outputs, last.labels, last.probabilities, last.chosen)


def _read_by(model: FrozenNetwork | NeighborsModel, there: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    features = (model.input,) if isinstance(model, NeighborsModel) else [f.name for f in model.resolved.inputs]
    return {name: there[name] for name in features}


def _quietly_predicted(network: FrozenNetwork, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    # What is not finite shows in the answer; a warning would go to nobody.
    with np.errstate(all="ignore"):
        return predict(network.resolved, network.weights, inputs)


def likeliest(shares: NDArray[Any], names: Sequence[str | int]) -> Any:  # noqa: ANN401 - texts or numbers, not both
    """The label of the largest share of each row; of equal ones the first."""
    return [names[column] for column in shares.argmax(axis=1).tolist()]


def _dictionaries(shares: NDArray[Any], names: Sequence[str | int]) -> list[dict[str | int, float]]:
    return [dict(zip(names, row, strict=True)) for row in shares.tolist()]


def _flat(array: NDArray[Any]) -> NDArray[Any]:
    return array.reshape(len(array), -1)


def _joined(parts: Sequence[Any]) -> Any:  # noqa: ANN401 - arrays, or lists
    if len(parts) == 1:
        return parts[0]
    return np.concatenate(parts) if isinstance(parts[0], np.ndarray) else [each for part in parts for each in part]


# Numbers in the blobs of all examples of a portion: 16 MiB, of which a convolution makes copies, one a kernel's cell.
_NUMBERS = 2**22
# More do not compute any faster.
_MOST = 256


def portions(model: AnyModel, count: int) -> Iterator[slice]:
    """Slices that together are `count` examples, in order."""
    size = max(1, min(_MOST, _NUMBERS // max(1, _numbers(model))))
    return (slice(begin, min(begin + size, count)) for begin in range(0, count, size))


def _numbers(model: AnyModel) -> int:
    """How many numbers the blobs of one example hold."""
    if isinstance(model, NeighborsModel):
        return model.dimensions
    if isinstance(model, Pipeline):
        return sum(map(_numbers_of_network, model.front)) + _numbers(model.last)
    return _numbers_of_network(model)


def _numbers_of_network(network: FrozenNetwork) -> int:
    return sum(map(prod, network.resolved.shapes.values()))

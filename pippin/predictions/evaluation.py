"""Evaluates a model on examples: its loss, its accuracy and its mistakes."""

import heapq
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pippin.api.predictions import Confusion, Evaluation, LargestError, Mistake
from pippin.datasets.classes import learned_labels
from pippin.datasets.examples import Examples
from pippin.datasets.names import with_spelling_of
from pippin.errors import Fault, FaultyDocumentError
from pippin.models.inspection import trainable_of
from pippin.models.mlmodel import AnyModel, Model, Pipeline
from pippin.models.neighbors import NeighborsModel
from pippin.models.neighbors import predict as predict_neighbors
from pippin.network import losses_and_outputs
from pippin.predictions.errors import WrongIndexError
from pippin.predictions.outputs import (
    batches,
    check_indices,
    class_names,
    class_probabilities,
    compared_values,
    inputs_of_last_model,
)

MAX_CONFUSION_CLASSES = 1000
"""The number of classes up to which a report has a confusion matrix, of at most a million cells."""

MAX_MISTAKES = 20
"""The number of worst mistakes, or of largest errors, in a report."""

MAX_ERROR_VALUES = 16
"""The number of values of an example in a report: an output may be a whole picture."""

Class: TypeAlias = str | int
"""A class of a model: its index, or the label that the model learned."""


def evaluate(
    model: AnyModel,
    examples: Examples,
    *,
    dataset_labels: Sequence[str] | None = None,
    rows: NDArray[np.intp] | None = None,
) -> Evaluation:
    """Evaluate a model on examples, batch by batch: the examples may be mapped from a file larger than memory.

    Args:
        model: The model.
        examples: The inputs and the target, with the model's class numbers.
        dataset_labels: The labels of the dataset. Required by models that learn labels from a dataset. Other models
            without labels use them where there is one label for each class.
        rows: The examples to evaluate; by default, all.

    Returns:
        The loss is the mean of `pippin.network.losses`. The confusion matrix has a row for each true class.

    Raises:
        FaultyDocumentError: An example has an index outside the vocabulary of an embedding.
    """
    rows = np.arange(examples.count, dtype=np.intp) if rows is None else rows
    evaluator = _Evaluator(model, dataset_labels)
    tally = _Tally()
    for part in batches(model, len(rows)):
        batch_rows = rows[part]
        arrays = {name: array[batch_rows] for name, array in examples.arrays.items()}
        try:
            results = evaluator.results(arrays, examples.scales)
        except WrongIndexError as error:
            fault = Fault("", f"row {batch_rows[error.wrong.row]}: {error}")
            raise FaultyDocumentError("the dataset does not fit the model", [fault]) from error
        tally.add(batch_rows, results)
    loss = None if tally.loss is None else tally.loss / len(rows)
    labels = evaluator.labels(truth for truth, _ in tally.pairs)
    return Evaluation(
        loss=loss if loss is not None and isfinite(loss) else None,
        accuracy=None if labels is None else tally.hits / len(rows),
        examples=len(rows),
        confusion=None if labels is None or len(labels) > MAX_CONFUSION_CLASSES else _confusion(tally.pairs, labels),
        worst=[] if labels is None else tally.worst(labels),
        largest_errors=tally.largest_errors(),
    )


def spread(rows: NDArray[np.intp], max_rows: int | None) -> NDArray[np.intp]:
    """At most `max_rows` of the rows, evenly spaced because a split may be sorted by class. None keeps all rows."""
    count = len(rows) if max_rows is None else min(len(rows), max_rows)
    # Whole-number arithmetic: linspace could round to the same row twice.
    return rows[np.arange(count, dtype=np.intp) * len(rows) // max(1, count)]


def _confusion(pairs: Counter[tuple[Class, Class]], labels: Mapping[Class, Class]) -> Confusion:
    places = {each: place for place, each in enumerate(labels)}
    matrix = [[0] * len(places) for _ in places]
    for (truth, predicted), count in pairs.items():
        matrix[places[truth]][places[predicted]] = count
    return Confusion(labels=list(labels.values()), matrix=matrix)


@dataclass(frozen=True)
class _Results:
    """The results for a batch of n examples.

    Attributes:
        losses: [n] the loss of each example; None for a model without a loss.
        truth: The class of each example; empty for a model without classes.
        predicted: The predicted class of each example.
        probabilities: [n] the probability of the predicted class.
        expected: [n, values] the target of a model without classes; None for other models.
        computed: [n, values] the outputs to compare with `expected`.
    """

    losses: NDArray[Any] | None
    truth: Sequence[Class] = ()
    predicted: Sequence[Class] = ()
    probabilities: Sequence[float] = ()
    expected: NDArray[Any] | None = None
    computed: NDArray[Any] | None = None


class _Evaluator:
    """Evaluates batches of examples, and names the classes of the model."""

    def __init__(self, model: AnyModel, dataset_labels: Sequence[str] | None) -> None:
        self._model = model
        self._last = model.last if isinstance(model, Pipeline) else model
        self._trainable = trainable_of(model)
        self._dataset_labels = dataset_labels

    def results(self, arrays: Mapping[str, NDArray[Any]], scales: Mapping[str, float]) -> _Results:
        """The results for a batch, given its stored inputs and target, and the factors for them."""
        trainable, target = self._trainable, self._trainable.target
        has_classes = trainable.classes is not None or trainable.label_type is not None
        scaled = {
            name: array if name == target and has_classes else _scaled(array, scales.get(name, 1.0))
            for name, array in arrays.items()
        }
        truth = scaled.pop(target)
        # NaN and infinite values are visible in the result; NumPy's warnings would only add lines to the log.
        with np.errstate(all="ignore"):
            features = inputs_of_last_model(self._model, scaled) if isinstance(self._model, Pipeline) else scaled
            if isinstance(self._last, NeighborsModel):
                return self._of_neighbors(self._last, features[self._last.input], truth)
            return _results_of_network(self._last, {**features, target: truth}, truth if has_classes else None)

    def labels(self, occurring: Iterable[Class]) -> Mapping[Class, Class] | None:
        """The label of each class, in the order of the model; None for a model without classes.

        Args:
            occurring: The true classes of the examples. A model that learns its classes may lack some of them.
        """
        if isinstance(self._last, NeighborsModel):
            model_labels = self._last.classes or (self._last.default_label,)
            return {each: each for each in dict.fromkeys([*model_labels, *occurring]) if each is not None}
        count = self._trainable.classes
        if count is None:
            return None
        names: Sequence[Class] | None = class_names(self._last)
        if names is None and self._dataset_labels is not None and len(self._dataset_labels) == count:
            names = self._dataset_labels
        return dict(enumerate(range(count) if names is None else names))

    def _of_neighbors(self, model: NeighborsModel, points: NDArray[Any], truth: NDArray[Any]) -> _Results:
        result = predict_neighbors(model, points.reshape(len(points), -1))
        column_of = {label: column for column, label in enumerate(result.classes)}
        names = with_spelling_of(model.classes, self._dataset_labels)
        labels = [learned_labels(model.label_type, names, int(number)) for number in truth.reshape(-1)]
        probabilities = [row[column_of[label]] for row, label in zip(result.probabilities, result.labels, strict=True)]
        return _Results(None, labels, result.labels, [float(each) for each in probabilities])


def _results_of_network(model: Model, inputs: Mapping[str, NDArray[Any]], truth: NDArray[Any] | None) -> _Results:
    check_indices(model, inputs)
    losses, outputs = losses_and_outputs(model.resolved, model.weights, inputs)
    probabilities = None if truth is None else class_probabilities(model, inputs, outputs)
    if truth is None or probabilities is None:
        target = inputs[model.resolved.training_target]
        return _Results(
            losses, expected=target.reshape(len(target), -1), computed=compared_values(model, inputs, outputs)
        )
    columns = probabilities.argmax(axis=1)
    numbers = [int(number) for number in truth.reshape(-1)]
    return _Results(losses, numbers, columns.tolist(), probabilities[np.arange(len(columns)), columns].tolist())


def _scaled(array: NDArray[Any], scale: float) -> NDArray[np.float32]:
    scaled: NDArray[np.float32] = array.astype(np.float32) * np.float32(scale)
    return scaled


class _Tally:
    """Adds up the results of batches.

    Attributes:
        loss: The sum of all losses; None for a model without a loss.
        hits: The number of correctly classified examples.
        pairs: The number of examples for each true and predicted class.
    """

    def __init__(self) -> None:
        self.loss: float | None = None
        self.hits = 0
        self.pairs: Counter[tuple[Class, Class]] = Counter()
        self._mistakes: list[tuple[float, int, Class, Class]] = []
        self._errors: list[tuple[float, int, LargestError]] = []

    def add(self, rows: NDArray[np.intp], results: _Results) -> None:
        """Add the results of the examples in `rows`."""
        if results.losses is not None:
            self.loss = (self.loss or 0.0) + float(results.losses.sum(dtype=np.float64))
        self.pairs.update(zip(results.truth, results.predicted, strict=True))
        predictions = zip(results.probabilities, rows.tolist(), results.truth, results.predicted, strict=False)
        mistakes = [each for each in predictions if each[2] != each[3]]
        self.hits += len(results.truth) - len(mistakes)
        self._mistakes = heapq.nsmallest(MAX_MISTAKES, [*self._mistakes, *mistakes], key=_most_probable_first)
        self._errors = sorted([*self._errors, *_errors(rows, results)], key=lambda each: each[:2])[:MAX_MISTAKES]

    def worst(self, labels: Mapping[Class, Class]) -> list[Mistake]:
        """The mistakes with the highest probabilities."""
        return [
            Mistake(
                row=row,
                label=labels[truth],
                predicted=labels[predicted],
                probability=probability if isfinite(probability) else None,
            )
            for probability, row, truth, predicted in self._mistakes
        ]

    def largest_errors(self) -> list[LargestError]:
        """The examples with the largest loss, the largest first."""
        return [error for *_, error in self._errors]


def _errors(rows: NDArray[np.intp], results: _Results) -> Iterable[tuple[float, int, LargestError]]:
    """The largest errors among some examples, each with its sort key: minus its loss, then its row."""
    if results.losses is None or results.expected is None or results.computed is None:
        return
    # A loss that is not finite counts as larger than any number.
    size = np.where(np.isfinite(results.losses), results.losses, np.inf)
    for at in np.argsort(-size, kind="stable")[:MAX_MISTAKES].tolist():
        if size[at] == 0:
            return
        loss = float(results.losses[at])
        error = LargestError(
            row=int(rows[at]),
            expected=_finite(results.expected[at]),
            predicted=_finite(results.computed[at]),
            values=results.expected.shape[1],
            loss=loss if isfinite(loss) else None,
        )
        yield -float(size[at]), error.row, error


def _finite(values: NDArray[Any]) -> list[float | None]:
    """The first values, for JSON. A 32-bit 0.1 stays 0.1; converted to 64 bits, it would be 0.10000000149011612."""
    shown = [float(str(value)) for value in values[:MAX_ERROR_VALUES]]
    return [value if isfinite(value) else None for value in shown]


def _most_probable_first(mistake: tuple[float, int, Class, Class]) -> tuple[float, int]:
    probability, row, *_ = mistake
    return (-probability if isfinite(probability) else 1.0), row

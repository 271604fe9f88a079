"""How good a model is: its loss, its accuracy and its mistakes on examples that it may never have seen."""

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
from pippin.datasets.names import spelled_as
from pippin.errors import Fault, FaultyDocumentError
from pippin.models.inspection import trainable_of
from pippin.models.mlmodel import AnyModel, Model, Pipeline
from pippin.models.neighbors import NeighborsModel
from pippin.models.neighbors import predict as ask_neighbors
from pippin.network import losses_and_outputs
from pippin.predictions.answers import (
    behind_the_front,
    check_indices,
    class_names,
    class_probabilities,
    judged_values,
    portions,
)
from pippin.predictions.errors import WrongIndexError

MOST_CONFUSED = 1000
"""Classes beyond which there is no confusion matrix: it would have more than a million cells."""

MOST_MISTAKES = 20
"""So many of the worst mistakes, or of the largest errors, are in a report."""

MAX_ERROR_VALUES = 16
"""So many values of an example are in a report: an output may be a whole picture."""

Class: TypeAlias = str | int
"""A class as a model tells it apart: by its index, or by the label that the model has learned."""


def evaluate(
    model: AnyModel,
    examples: Examples,
    *,
    dataset_labels: Sequence[str] | None = None,
    rows: NDArray[np.intp] | None = None,
) -> Evaluation:
    """Measure a model on examples, a portion at a time, so that they may be mapped from a file larger than memory.

    Args:
        model: The model.
        examples: What a training example holds; the target's numbers are the model's own classes.
        dataset_labels: What the dataset calls its classes. Models that learn names from a dataset need them; others
            without names take these, where there is one a class.
        rows: The examples to measure on; all of them by default.

    Returns:
        The loss is the mean of what `pippin.network.losses` gives. A matrix has a row for each true class.

    Raises:
        FaultyDocumentError: An embedding is to look up an index that it does not know.
    """
    rows = np.arange(examples.count, dtype=np.intp) if rows is None else rows
    judge = _Judge(model, dataset_labels)
    tally = _Tally()
    for part in portions(model, len(rows)):
        taken = rows[part]
        arrays = {name: array[taken] for name, array in examples.arrays.items()}
        try:
            judged = judge.judged(arrays, examples.scales)
        except WrongIndexError as error:
            fault = Fault("", f"row {taken[error.wrong.row]}: {error}")
            raise FaultyDocumentError("the dataset does not fit the model", [fault]) from error
        tally.add(taken, judged)
    loss = None if tally.loss is None else tally.loss / len(rows)
    called = judge.called(truth for truth, _ in tally.pairs)
    return Evaluation(
        loss=loss if loss is not None and isfinite(loss) else None,
        accuracy=None if called is None else tally.hits / len(rows),
        examples=len(rows),
        confusion=None if called is None or len(called) > MOST_CONFUSED else _confusion(tally.pairs, called),
        worst=[] if called is None else tally.worst(called),
        largest_errors=tally.largest_errors(),
    )


def spread(rows: NDArray[np.intp], most: int | None) -> NDArray[np.intp]:
    """At most `most` of the rows, evenly spaced: a split may well be sorted by class. None keeps all of them."""
    taken = len(rows) if most is None else min(len(rows), most)
    # In whole numbers: those of linspace could round to the same row twice.
    return rows[np.arange(taken, dtype=np.intp) * len(rows) // max(1, taken)]


def _confusion(pairs: Counter[tuple[Class, Class]], called: Mapping[Class, Class]) -> Confusion:
    places = {each: place for place, each in enumerate(called)}
    matrix = [[0] * len(places) for _ in places]
    for (truth, predicted), count in pairs.items():
        matrix[places[truth]][places[predicted]] = count
    return Confusion(labels=list(called.values()), matrix=matrix)


@dataclass(frozen=True)
class _Judged:
    """What became of n examples.

    Attributes:
        losses: [n]; None for a model without a loss.
        truth: The class of each; empty for a model without classes.
        predicted: What each was taken for.
        shares: [n] the probability of that.
        expected: [n, values] of the target, for a model without classes; None for others.
        computed: [n, values] that the model gives in their place.
    """

    losses: NDArray[Any] | None
    truth: Sequence[Class] = ()
    predicted: Sequence[Class] = ()
    shares: Sequence[float] = ()
    expected: NDArray[Any] | None = None
    computed: NDArray[Any] | None = None


class _Judge:
    """A model that is to be measured, and how its classes are called."""

    def __init__(self, model: AnyModel, dataset_labels: Sequence[str] | None) -> None:
        self._model = model
        self._last = model.last if isinstance(model, Pipeline) else model
        self._known = trainable_of(model)
        self._dataset_labels = dataset_labels

    def judged(self, arrays: Mapping[str, NDArray[Any]], scales: Mapping[str, float]) -> _Judged:
        """What becomes of some examples: what a training example holds, as stored, and what to multiply it by."""
        known, target = self._known, self._known.target
        has_classes = known.classes is not None or known.label_type is not None
        scaled = {
            name: array if name == target and has_classes else _scaled(array, scales.get(name, 1.0))
            for name, array in arrays.items()
        }
        truth = scaled.pop(target)
        # What is not finite shows in the result; a warning would go to nobody.
        with np.errstate(all="ignore"):
            there = behind_the_front(self._model, scaled) if isinstance(self._model, Pipeline) else scaled
            if isinstance(self._last, NeighborsModel):
                return self._of_neighbors(self._last, there[self._last.input], truth)
            return _of_network(self._last, {**there, target: truth}, truth if has_classes else None)

    def called(self, occurring: Iterable[Class]) -> Mapping[Class, Class] | None:
        """What each class is called, in the model's order; None without classes.

        Args:
            occurring: The true classes of the examples: a model that learns its classes may not know all of them.
        """
        if isinstance(self._last, NeighborsModel):
            answered = self._last.classes or (self._last.default_label,)
            return {each: each for each in dict.fromkeys([*answered, *occurring]) if each is not None}
        count = self._known.classes
        if count is None:
            return None
        names: Sequence[Class] | None = class_names(self._last)
        if names is None and self._dataset_labels is not None and len(self._dataset_labels) == count:
            names = self._dataset_labels
        return dict(enumerate(range(count) if names is None else names))

    def _of_neighbors(self, model: NeighborsModel, points: NDArray[Any], truth: NDArray[Any]) -> _Judged:
        found = ask_neighbors(model, points.reshape(len(points), -1))
        column_of = {label: column for column, label in enumerate(found.classes)}
        names = spelled_as(model.classes, self._dataset_labels)
        labels = [learned_labels(model.label_type, names, int(number)) for number in truth.reshape(-1)]
        shares = [row[column_of[label]] for row, label in zip(found.probabilities, found.labels, strict=True)]
        return _Judged(None, labels, found.labels, [float(share) for share in shares])


def _of_network(model: Model, inputs: Mapping[str, NDArray[Any]], truth: NDArray[Any] | None) -> _Judged:
    check_indices(model, inputs)
    losses, made = losses_and_outputs(model.resolved, model.weights, inputs)
    shares = None if truth is None else class_probabilities(model, inputs, made)
    if truth is None or shares is None:
        target = inputs[model.resolved.training_target]
        return _Judged(losses, expected=target.reshape(len(target), -1), computed=judged_values(model, inputs, made))
    columns = shares.argmax(axis=1)
    numbers = [int(number) for number in truth.reshape(-1)]
    return _Judged(losses, numbers, columns.tolist(), shares[np.arange(len(shares)), columns].tolist())


def _scaled(array: NDArray[Any], scale: float) -> NDArray[np.float32]:
    found: NDArray[np.float32] = array.astype(np.float32) * np.float32(scale)
    return found


class _Tally:
    """Adds up what became of portions.

    Attributes:
        loss: The sum of all losses; None for a model without a loss.
        hits: Examples that were taken for what they are.
        pairs: How many examples of one class were taken for another.
    """

    def __init__(self) -> None:
        self.loss: float | None = None
        self.hits = 0
        self.pairs: Counter[tuple[Class, Class]] = Counter()
        self._mistakes: list[tuple[float, int, Class, Class]] = []
        self._errors: list[tuple[float, int, LargestError]] = []

    def add(self, rows: NDArray[np.intp], judged: _Judged) -> None:
        """Count the examples that stand in `rows`."""
        if judged.losses is not None:
            self.loss = (self.loss or 0.0) + float(judged.losses.sum(dtype=np.float64))
        self.pairs.update(zip(judged.truth, judged.predicted, strict=True))
        found = zip(judged.shares, rows.tolist(), judged.truth, judged.predicted, strict=False)
        mistakes = [each for each in found if each[2] != each[3]]
        self.hits += len(judged.truth) - len(mistakes)
        self._mistakes = heapq.nsmallest(MOST_MISTAKES, [*self._mistakes, *mistakes], key=_surest_first)
        self._errors = sorted([*self._errors, *_errors(rows, judged)], key=lambda each: each[:2])[:MOST_MISTAKES]

    def worst(self, called: Mapping[Class, Class]) -> list[Mistake]:
        """The mistakes that the model was surest of."""
        return [
            Mistake(
                row=row,
                label=called[truth],
                predicted=called[predicted],
                probability=share if isfinite(share) else None,
            )
            for share, row, truth, predicted in self._mistakes
        ]

    def largest_errors(self) -> list[LargestError]:
        """The examples with the largest loss, the largest first."""
        return [error for *_, error in self._errors]


def _errors(rows: NDArray[np.intp], judged: _Judged) -> Iterable[tuple[float, int, LargestError]]:
    """The largest errors among some examples, each with what to sort it by: minus its loss, then its row."""
    if judged.losses is None or judged.expected is None or judged.computed is None:
        return
    # What is not finite is further off than any number.
    size = np.where(np.isfinite(judged.losses), judged.losses, np.inf)
    for at in np.argsort(-size, kind="stable")[:MOST_MISTAKES].tolist():
        if size[at] == 0:
            return
        loss = float(judged.losses[at])
        error = LargestError(
            row=int(rows[at]),
            expected=_finite(judged.expected[at]),
            predicted=_finite(judged.computed[at]),
            values=judged.expected.shape[1],
            loss=loss if isfinite(loss) else None,
        )
        yield -float(size[at]), error.row, error


def _finite(values: NDArray[Any]) -> list[float | None]:
    """The first values as JSON has them: 0.1 of 32 bits stays 0.1, which is 0.10000000149011612 in 64."""
    shown = [float(str(value)) for value in values[:MAX_ERROR_VALUES]]
    return [value if isfinite(value) else None for value in shown]


def _surest_first(mistake: tuple[float, int, Class, Class]) -> tuple[float, int]:
    share, row, *_ = mistake
    return (-share if isfinite(share) else 1.0), row

"""Converts predictions to JSON."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pippin.predictions.outputs import ClassNames, PredictedOutputs


def top(
    probabilities: NDArray[Any],
    labels: Sequence[str | int] | None,
    k: int,
    chosen: NDArray[np.integer[Any]] | None = None,
) -> list[list[dict[str, Any]]]:
    """The `k` likeliest classes of each example, the likeliest first.

    Among equally likely classes, the chosen class is first, then the class with the lower index.

    Args:
        probabilities: [N, classes].
        labels: The class labels; None for the indices.
        k: The number of classes to return, which may exceed the number of classes of the model.
        chosen: [N] the index of the class that the model outputs; None for the first of the likeliest classes.

    Returns:
        `{"label", "probability"}` for each class. A probability that is NaN becomes None and is last.
    """
    names = range(probabilities.shape[1]) if labels is None else labels
    # NaN is sorted below all probabilities; unchanged, NaN would be first.
    descending = -np.nan_to_num(probabilities, nan=-1)
    if chosen is None:
        order = np.argsort(descending, axis=1, kind="stable")[:, :k]
    else:
        others = np.arange(probabilities.shape[1]) != chosen[:, None]
        order = np.lexsort((others, descending), axis=1)[:, :k]
    ordered = np.take_along_axis(probabilities, order, axis=1)
    return [
        [
            {"label": names[column], "probability": probability}
            for column, probability in zip(columns, nested(row), strict=True)
        ]
        for columns, row in zip(order.tolist(), ordered, strict=True)
    ]


def prediction(answers: PredictedOutputs, dataset_labels: Sequence[str] | None, k: int) -> dict[str, Any]:
    """A `Prediction` as a JSON object.

    Args:
        answers: The outputs of the model.
        dataset_labels: The labels of the model's training dataset, by class index of the model.
        k: The number of classes in `top` for each example.
    """
    names = _names(answers, dataset_labels)
    probabilities = answers.probabilities
    return {
        "outputs": {name: _value(output) for name, output in answers.outputs.items()},
        "labels": None if names is None else list(names),
        "top": None if probabilities is None else top(probabilities, names, k, answers.chosen),
    }


def nested(array: NDArray[Any]) -> Any:  # noqa: ANN401 - nested lists
    """An array as nested lists, with None for numbers that are not finite, which JSON cannot express."""
    finite = np.isfinite(array)
    if finite.all():
        return array.tolist()
    values = array.astype(object)
    values[~finite] = None
    return values.tolist()


def _names(answers: PredictedOutputs, dataset_labels: Sequence[str] | None) -> ClassNames | None:
    if answers.labels is not None or answers.probabilities is None or dataset_labels is None:
        return answers.labels
    return tuple(dataset_labels) if len(dataset_labels) == answers.probabilities.shape[1] else None


def _value(output: Any) -> Any:  # noqa: ANN401 - any output, as JSON
    if isinstance(output, np.ndarray):
        return nested(output)
    if isinstance(output[0], dict):
        return [{str(label): _number(probability) for label, probability in each.items()} for each in output]
    return output


def _number(probability: float) -> float | None:
    return probability if np.isfinite(probability) else None

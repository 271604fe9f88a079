"""Answers as JSON has them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pippin.predictions.answers import Answers, ClassNames


def top(
    probabilities: NDArray[Any],
    labels: Sequence[str | int] | None,
    k: int,
    chosen: NDArray[np.integer[Any]] | None = None,
) -> list[list[dict[str, Any]]]:
    """The `k` likeliest classes of each example, the likeliest first.

    Of equal ones the chosen class comes first, then the one of lower index.

    Args:
        probabilities: [N, classes].
        labels: What the classes are called; None calls them by their index.
        k: How many; there are no more than classes.
        chosen: [N] the class that the model answers, by index; None where that is the first of the likeliest.

    Returns:
        `{"label", "probability"}` of each; a probability that is no number is None, and comes last.
    """
    names = range(probabilities.shape[1]) if labels is None else labels
    # NaN is neither more nor less than anything; sorted as it is, it would come first.
    descending = -np.nan_to_num(probabilities, nan=-1)
    if chosen is None:
        order = np.argsort(descending, axis=1, kind="stable")[:, :k]
    else:
        others = np.arange(probabilities.shape[1]) != chosen[:, None]
        order = np.lexsort((others, descending), axis=1)[:, :k]
    shares = np.take_along_axis(probabilities, order, axis=1)
    return [
        [{"label": names[column], "probability": share} for column, share in zip(columns, nested(row), strict=True)]
        for columns, row in zip(order.tolist(), shares, strict=True)
    ]


def prediction(answers: Answers, dataset_labels: Sequence[str] | None, k: int) -> dict[str, Any]:
    """A `Prediction` as JSON has it.

    Args:
        answers: What the model answers.
        dataset_labels: What the dataset that it was trained on calls the classes, whose indices are the model's.
        k: How many classes `top` has of each example.
    """
    names = _names(answers, dataset_labels)
    shares = answers.probabilities
    return {
        "outputs": {name: _value(output) for name, output in answers.outputs.items()},
        "labels": None if names is None else list(names),
        "top": None if shares is None else top(shares, names, k, answers.chosen),
    }


def nested(array: NDArray[Any]) -> Any:  # noqa: ANN401 - nested lists
    """An array as nested lists; None for what is not a finite number, which JSON has not."""
    finite = np.isfinite(array)
    if finite.all():
        return array.tolist()
    values = array.astype(object)
    values[~finite] = None
    return values.tolist()


def _names(answers: Answers, dataset_labels: Sequence[str] | None) -> ClassNames | None:
    if answers.labels is not None or answers.probabilities is None or dataset_labels is None:
        return answers.labels
    return tuple(dataset_labels) if len(dataset_labels) == answers.probabilities.shape[1] else None


def _value(output: Any) -> Any:  # noqa: ANN401 - any output, as JSON
    if isinstance(output, np.ndarray):
        return nested(output)
    if isinstance(output[0], dict):
        return [{str(label): _number(share) for label, share in each.items()} for each in output]
    return output


def _number(share: float) -> float | None:
    return share if np.isfinite(share) else None

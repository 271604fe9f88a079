"""Validates examples for a classifier and appends them to its samples."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from pippin.errors import Fault, pointer
from pippin.models.neighbors.model import SHOWN, Labels, LabelType, NeighborsError, NeighborsModel
from pippin.models.spec.explain import shown
from pippin.models.spec.features import MAX_CLASSES


def as_samples(features: NDArray[np.number], dimensions: int) -> NDArray[np.float32]:
    """Features in the file's form of samples: [N, dimensions], 32-bit floats.

    Raises:
        NeighborsError: The features have another shape, or are not finite as 32-bit floats.
    """
    if features.ndim != 2 or features.shape[1] != dimensions:
        raise _refused(Fault("/features", f"found shape {list(features.shape)}; needs [N, {dimensions}]"))
    if features.dtype.kind not in "iuf":
        raise _refused(Fault("/features", f"found an array of {features.dtype}; needs real numbers"))
    with np.errstate(over="ignore"):
        samples = features.astype(np.float32)
    bad = np.flatnonzero(~np.isfinite(samples).all(axis=1))
    if bad.size:
        raise _refused(
            Fault("/features", f"found NaN, infinity or a number beyond a float32 in row {bad[0]}; needs finite ones")
        )
    return samples


def as_labels(labels: Sequence[str | int], kind: LabelType, count: int) -> Labels:
    """Labels in the file's form: all texts, or all 64-bit integers.

    Args:
        labels: One label per example; numpy's integers are accepted, booleans of numpy and Python are not.
        kind: The classifier's label type.
        count: The number of examples.

    Raises:
        NeighborsError: The number of labels differs from `count`, or some labels are of another type.
    """
    if len(labels) != count:
        raise _refused(Fault("/labels", f"found {len(labels)} labels for {count} examples; needs one each"))
    if faults := list(_label_faults(labels, kind)):
        raise _refused(*faults)
    if kind == "string":
        return tuple(str(label) for label in labels)
    return tuple(int(label) for label in labels)


def _label_faults(labels: Sequence[str | int], kind: LabelType) -> Iterator[Fault]:
    """Faults for the first `SHOWN` labels that are not of the kind."""
    is_valid, needed = (_is_text, "a text") if kind == "string" else (_is_whole, "a whole number of 64 bits")
    places = (place for place, label in enumerate(labels) if not is_valid(label))
    for place, _ in zip(places, range(SHOWN), strict=False):
        yield Fault(pointer("labels", place), f"found {shown(labels[place])}; needs {needed}, as the labels are")


def _is_text(label: object) -> bool:
    """Whether a label is a `str` that UTF-8 can encode: a lone surrogate cannot be stored in a file."""
    return isinstance(label, str) and not any("\ud800" <= character <= "\udfff" for character in label)


def _is_whole(label: object) -> bool:
    return isinstance(label, int | np.integer) and not isinstance(label, bool) and -(2**63) <= int(label) < 2**63


def _refused(*faults: Fault) -> NeighborsError:
    return NeighborsError("the examples do not fit the classifier", faults)


def append(model: NeighborsModel, features: NDArray[np.number], labels: Sequence[str | int]) -> NeighborsModel:
    """The classifier with examples appended to its samples, in the given order.

    Training has no other steps: no epochs, no loss, no shuffling. A repeated example counts repeatedly.

    Args:
        model: The classifier before training.
        features: [N, dimensions]; stored as 32-bit floats, as in the file.
        labels: One label per example, of the model's `label_type`. New labels are allowed.

    Raises:
        NeighborsError: The examples do not fit the model.
    """
    samples = as_samples(features, model.dimensions)
    all_labels: Labels = model.labels + as_labels(labels, model.label_type, len(samples))  # type: ignore[operator]  # both of one kind
    if (count := len(set(all_labels))) > MAX_CLASSES:
        fault = Fault("/labels", f"found {count} different labels; needs {MAX_CLASSES} or fewer in all")
        raise NeighborsError("the examples do not fit the classifier", [fault])
    all_samples = np.concatenate([model.samples, samples])
    all_samples.setflags(write=False)
    return replace(model, samples=all_samples, labels=all_labels)

"""Examples of a classifier: checked before they are used, and appended to its samples."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from pippin.errors import Fault, pointer
from pippin.models.neighbors.model import SHOWN, Labels, LabelType, NeighborsError, NeighborsModel
from pippin.models.spec.explain import shown
from pippin.models.spec.features import MAX_CLASSES


def as_samples(features: NDArray[np.number], dimensions: int) -> NDArray[np.float32]:
    """Features as the file keeps samples: [N, dimensions], 32-bit floats.

    Raises:
        NeighborsError: They are not that many numbers each, or not finite as 32-bit floats.
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
    """Labels as the file keeps them: all texts, or all whole numbers of 64 bits.

    Args:
        labels: One an example; numpy's whole numbers are welcome, its and Python's booleans are not.
        kind: Which of the two the classifier has.
        count: How many examples there are.

    Raises:
        NeighborsError: There are more or fewer, or some are of another type.
    """
    if len(labels) != count:
        raise _refused(Fault("/labels", f"found {len(labels)} labels for {count} examples; needs one each"))
    if faults := list(_wrong(labels, kind)):
        raise _refused(*faults)
    if kind == "string":
        return tuple(str(label) for label in labels)
    return tuple(int(label) for label in labels)


def _wrong(labels: Sequence[str | int], kind: LabelType) -> Iterator[Fault]:
    """The first few labels that are not of the kind."""
    right, needed = (_is_text, "a text") if kind == "string" else (_is_whole, "a whole number of 64 bits")
    places = (place for place, label in enumerate(labels) if not right(label))
    for place, _ in zip(places, range(SHOWN), strict=False):
        yield Fault(pointer("labels", place), f"found {shown(labels[place])}; needs {needed}, as the labels are")


def _is_text(label: object) -> bool:
    """Whether UTF-8 can hold it: half of a surrogate pair is a `str` that no file can keep."""
    return isinstance(label, str) and not any("\ud800" <= character <= "\udfff" for character in label)


def _is_whole(label: object) -> bool:
    return isinstance(label, int | np.integer) and not isinstance(label, bool) and -(2**63) <= int(label) < 2**63


def _refused(*faults: Fault) -> NeighborsError:
    return NeighborsError("the examples do not fit the classifier", faults)


def append(model: NeighborsModel, features: NDArray[np.number], labels: Sequence[str | int]) -> NeighborsModel:
    """The classifier after it was taught some examples: they stand behind its own samples, in the order given.

    There is no more to training: no epoch, no loss, no shuffle. An example taught twice counts twice.

    Args:
        model: What was taught before.
        features: [N, dimensions]; kept as 32-bit floats, as the file has them.
        labels: One an example, of the model's `label_type`. Labels that the model has not met are welcome.

    Raises:
        NeighborsError: The examples do not fit the model.
    """
    samples = as_samples(features, model.dimensions)
    together: Labels = model.labels + as_labels(labels, model.label_type, len(samples))  # type: ignore[operator]  # both of one kind
    if (count := len(set(together))) > MAX_CLASSES:
        fault = Fault("/labels", f"found labels that make {count} different ones; needs {MAX_CLASSES} or fewer in all")
        raise NeighborsError("the examples do not fit the classifier", [fault])
    grown = np.concatenate([model.samples, samples])
    grown.setflags(write=False)
    return replace(model, samples=grown, labels=together)

"""What a classifier is taught or asked, checked before it is used."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from pippin.errors import Fault, pointer
from pippin.models.neighbors.errors import SHOWN, NeighborsError
from pippin.models.neighbors.model import Labels, LabelType
from pippin.models.spec.explain import shown


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

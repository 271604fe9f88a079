"""Rules about what was taught, and how it is looked up."""

from collections.abc import Iterator

import numpy as np

from pippin.errors import Fault
from pippin.models.neighbors.draft import Draft
from pippin.models.spec.classes import MOST_CLASSES


def there_is_a_dimension(draft: Draft) -> Iterator[Fault]:
    """Samples have a number or more. Apple's validator does not look, while a model has no samples."""
    dimensions = draft.index.numberOfDimensions
    if dimensions < 1:
        yield Fault("/neighbors/dimensions", f"found {dimensions}; needs 1 or more")


def samples_have_one_number_a_dimension(draft: Draft) -> Iterator[Fault]:
    """Each sample is as long as the model says. Source: KNearestNeighborsClassifierValidator.cpp."""
    dimensions = draft.index.numberOfDimensions
    if dimensions < 1:
        return
    for place, length in enumerate(draft.lengths):
        if length != dimensions:
            yield Fault("/neighbors/samples", f"found {length} numbers in sample {place}; needs {dimensions}")


def samples_are_finite(draft: Draft) -> Iterator[Fault]:
    """No sample has NaN or infinity. Apple's validator does not look; such a sample is at no distance from anything."""
    if draft.samples is None:
        return
    for place in np.flatnonzero(~np.isfinite(draft.samples).all(axis=1)):
        yield Fault("/neighbors/samples", f"found NaN or infinity in sample {place}; needs finite numbers")


def there_are_as_many_labels_as_samples(draft: Draft) -> Iterator[Fault]:
    """Every sample has its label. Both may be none. Source: KNearestNeighborsClassifierValidator.cpp."""
    samples, labels = len(draft.lengths), len(draft.labels)
    if samples != labels:
        yield Fault("/neighbors/samples", f"found {samples} samples and {labels} labels; needs as many of both")


def classes_are_not_too_many(draft: Draft) -> Iterator[Fault]:
    """An answer has a probability for every class, so they stay below a limit of our own."""
    if (count := len(set(draft.labels))) > MOST_CLASSES:
        yield Fault("/neighbors/classes", f"found {count} different labels; needs {MOST_CLASSES} or fewer")


def an_index_is_chosen(draft: Draft) -> Iterator[Fault]:
    """It is said how neighbours are looked up. Source: KNearestNeighborsClassifierValidator.cpp."""
    if draft.index.WhichOneof("IndexType") is None:
        yield Fault("/neighbors/index", "found no index; needs linearIndex or singleKdTreeIndex")


def leaves_hold_a_sample(draft: Draft) -> Iterator[Fault]:
    """A tree's leaves hold one sample or more. Source: KNearestNeighborsClassifierValidator.cpp."""
    size = draft.index.singleKdTreeIndex.leafSize
    if draft.index.WhichOneof("IndexType") == "singleKdTreeIndex" and size < 1:
        yield Fault("/neighbors/leaf_size", f"found {size}; needs 1 or more")


def a_distance_is_chosen(draft: Draft) -> Iterator[Fault]:
    """It is said what distance is. Source: KNearestNeighborsClassifierValidator.cpp."""
    if draft.index.WhichOneof("DistanceFunction") is None:
        yield Fault("/neighbors/distance", "found no distance function; needs squaredEuclideanDistance, the only one")

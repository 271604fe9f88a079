"""Why a feature of a dataset does not fit the training input that it is to feed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf, prod

import numpy as np

from pippin.api.datasets import Feature, Range, StoredManifest
from pippin.datasets.classes import Classes, Span, classes_of, listed
from pippin.datasets.shapes import fits, squeezed
from pippin.models.spec import Feature as Input
from pippin.models.spec import ImageFeature
from pippin.models.trainable import Trainable

_INT32 = np.iinfo(np.int32)

Ranges = list[tuple[str, Range]]
"""A feature's extreme values in each of the splits that are used."""


def input_misfits(
    wanted: Input, feature: Feature, manifest: StoredManifest, ranges: Ranges, known: int | None
) -> list[str]:
    """What is wrong with the feature of a training input other than the target.

    Args:
        wanted: The training input.
        feature: What is to feed it.
        manifest: The feature's dataset.
        ranges: The feature's values.
        known: How many indices an embedding knows that looks the values up; None where none does.
    """
    misfits = [*_form(wanted, feature, manifest, is_index=known is not None)]
    return misfits or [*_values(feature, ranges, _allowed(wanted, known))]


def target_misfits(
    wanted: Input,
    feature: Feature,
    manifest: StoredManifest,
    ranges: Ranges,
    model: Trainable,
    *,
    taught: Sequence[str] | None = None,
) -> tuple[list[str], Classes | None]:
    """What is wrong with the feature of the target; and what its numbers mean, None where they are quantities."""
    labels = manifest.labels_of(feature.name)
    span = Span(
        min((values.minimum for _, values in ranges), default=inf),
        max((values.maximum for _, values in ranges), default=-inf),
    )
    classes = classes_of(model, labels, span, taught)
    if classes is None:
        misfits = [] if labels is None else [_names_for_quantities(wanted, feature, labels)]
        return misfits or input_misfits(wanted, feature, manifest, ranges, None), None
    if prod(feature.shape) != 1:
        return [_several_numbers_for_a_class(wanted, feature, model)], classes
    misfits = [*_form(wanted, feature, manifest, is_index=False)]
    allowed = _Allowed(classes.least, classes.most, classes.said)
    return misfits or [*_values(feature, ranges, allowed), *classes.faults], classes


def _names_for_quantities(wanted: Input, feature: Feature, labels: list[str]) -> str:
    return (
        f"the loss compares {wanted.name!r} as a quantity, and the dataset's feature {feature.name!r} holds class "
        f"names ({listed(labels)}); train a model with the loss categorical_cross_entropy on it, or upload the "
        "dataset again with plain numbers for a target"
    )


def _several_numbers_for_a_class(wanted: Input, feature: Feature, model: Trainable) -> str:
    inner = squeezed(feature.shape)
    one_hot = len(inner) == 1 and model.classes in {None, inner[0]}
    remedy = (
        "send class numbers instead of one-hot rows (in NumPy, rows.argmax(axis=-1))"
        if one_hot
        else "bind a feature of shape [1]"
    )
    return (
        f"the training input {wanted.name!r} takes one class number an example, and the dataset's feature "
        f"{feature.name!r} has the shape {list(feature.shape)}; {remedy}"
    )


def _form(wanted: Input, feature: Feature, manifest: StoredManifest, *, is_index: bool) -> Iterator[str]:
    """What is wrong with a feature's shape and type."""
    if not fits(feature.shape, wanted.lengths):
        yield (
            f"the training input {wanted.name!r} has the shape {list(wanted.lengths)}, and the dataset's feature "
            f"{feature.name!r} has {list(feature.shape)}; {_remedy(wanted, feature, manifest)}"
        )
    if isinstance(wanted, ImageFeature):
        if feature.dtype != "uint8":
            yield (
                f"the training input {wanted.name!r} is an image, and the dataset's feature {feature.name!r} holds "
                f"{feature.dtype}; an image takes pixels, bytes from 0 to 255"
            )
    elif (is_index or wanted.type in ("int", "string", "int64")) and feature.scale != 1:
        yield (
            f"the training input {wanted.name!r} takes whole numbers, and the dataset's feature {feature.name!r} "
            "holds pixels, which are scaled to fractions; send whole numbers of another type than uint8"
        )


def _remedy(wanted: Input, feature: Feature, manifest: StoredManifest) -> str:
    """What to do about a feature of another shape."""
    lengths = wanted.lengths
    if manifest.format == "images" and len(lengths) == 3 and lengths[0] in {1, 3}:
        if lengths[1:] != feature.shape[1:]:
            return f"make the pictures {lengths[2]} by {lengths[1]} pixels"
        return f"upload the pictures with color={'gray' if lengths[0] == 1 else 'rgb'}"
    if other := next((each for each in manifest.features if each is not feature and fits(each.shape, lengths)), None):
        return f"name the one that feeds it in bind, as {other.name!r}, which has this shape"
    if prod(lengths) != prod(feature.shape):
        return "make the shapes equal"
    # A table has a shape for its only input; an array of an NPZ keeps its own.
    if manifest.format == "csv" and len(manifest.features) == 2 and feature is manifest.features[0]:
        return f"upload the table with shape={','.join(map(str, lengths))}"
    return f"send an NPZ with an array [{', '.join(['N', *map(str, lengths)])}]"


@dataclass(frozen=True)
class _Allowed:
    """The whole numbers that a training input takes, and how a message says so."""

    least: int
    most: int
    said: str


def _allowed(wanted: Input, known: int | None) -> _Allowed | None:
    """What values a training input takes: an index out of those `known`, a whole number; None for any."""
    takes = f"the training input {wanted.name!r} takes whole numbers"
    if known is not None:
        return _Allowed(0, known - 1, f"{takes} from 0 to {known - 1}, which an embedding looks up")
    return _Allowed(int(_INT32.min), int(_INT32.max), f"{takes} of 32 bits") if wanted.type == "int" else None


def _values(feature: Feature, ranges: Ranges, allowed: _Allowed | None) -> Iterator[str]:
    """What is wrong with a feature's values, in each of the splits used; the first or worst one is named."""
    if allowed is None:
        return
    least, most, right = allowed.least, allowed.most, allowed.said
    for split, values in ranges:
        for value, place in ((values.minimum, values.minimum_at), (values.maximum, values.maximum_at)):
            if not least <= value <= most:
                yield f"{feature.name!r} is {value:.17g} at {place} (split {split}); {right}"
        if values.fraction_at is not None:
            yield f"{feature.name!r} is not a whole number at {values.fraction_at} (split {split}); {right}"

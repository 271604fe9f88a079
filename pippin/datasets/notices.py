"""Notices about a dataset: assumptions and omissions while an upload was read."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pippin.api.datasets import MAX_NOTICES, Feature, Format
from pippin.datasets.disk_arrays import batches
from pippin.datasets.errors import quoted
from pippin.datasets.parsed import PIXEL_SCALE, ParsedDataset

MAX_NOTICE_CHARACTERS = 500


def bounded(notices: Iterable[str]) -> tuple[str, ...]:
    """The notices without repetitions, as the record of a dataset keeps them.

    At most `MAX_NOTICES` of at most `MAX_NOTICE_CHARACTERS` each; where there are more, the last one has their number.
    """
    different = [_shortened(notice) for notice in dict.fromkeys(notices)]
    if len(different) <= MAX_NOTICES:
        return tuple(different)
    rest = len(different) - (MAX_NOTICES - 1)
    return (*different[: MAX_NOTICES - 1], f"and {rest:,} more notices")


def _shortened(notice: str) -> str:
    return notice if len(notice) <= MAX_NOTICE_CHARACTERS else notice[: MAX_NOTICE_CHARACTERS - 1] + "…"


_MISSING = frozenset({"na", "n/a", "#n/a", "nan", "null", "none", "nil", "missing", "?", "-", "."})
_SHOWN = 5
_MAX_CHARACTERS = 30


def class_notices(parsed: ParsedDataset) -> Iterator[str]:
    """Notices about class names that may stand for missing values, differ in case only, or have no training example."""
    labels = parsed.labels
    if labels is None:
        return
    if missing := [label for label in labels if label.strip().lower() in _MISSING]:
        yield f"{_listed(missing)} is a class: remove its examples if it means a missing value"
    same: dict[str, list[str]] = defaultdict(list)
    for label in labels:
        same[label.casefold()].append(label)
    if alike := [label for group in same.values() if len(group) > 1 for label in group]:
        yield f"{_listed(alike)} are different classes, though names among them differ only in upper and lower case"
    if "train" in parsed.splits:
        target = parsed.features[-1].name
        trained = _present(parsed.splits["train"][target], len(labels))
        for split in parsed.splits:
            unseen = np.flatnonzero(_present(parsed.splits[split][target], len(labels)) & ~trained)
            if len(unseen):
                yield f"the split train has no example of {_listed([labels[at] for at in unseen])}, which {split} has"


def scale_notices(format_: Format, features: Iterable[Feature]) -> Iterator[str]:
    """How the bytes of each feature are scaled for a model.

    Formats for pictures give no notice; in an NPZ and a table only the shape shows that a feature is a picture.
    """
    for feature in features:
        if feature.dtype != "uint8" or (format_ in {"idx", "images"} and feature.scale == PIXEL_SCALE):
            continue
        if feature.scale == 1:
            yield (
                f"the bytes of {feature.name!r}, of shape {list(feature.shape)}, are used unscaled, 0 to 255; those "
                "of pictures, [1, H, W] or [3, H, W], are multiplied by 1/255, as with scale=0.00392156862745098"
            )
        else:
            factor = "1/255" if feature.scale == PIXEL_SCALE else f"{feature.scale:.6g}"
            yield (
                f"the bytes of {feature.name!r} are multiplied by {factor} for a model that reads an array, and "
                "unscaled for one that reads an image; numbers sent to predict must be scaled in the same way"
            )


def _present(numbers: NDArray[Any], count: int) -> NDArray[np.bool_]:
    """Which of `count` classes have an example."""
    present = np.zeros(count, bool)
    for batch in batches(numbers):
        present[batch.reshape(-1)] = True
    return present


def _listed(labels: Sequence[str]) -> str:
    shown = ", ".join(quoted(label, _MAX_CHARACTERS) for label in labels[:_SHOWN])
    return f"{shown} and {len(labels) - _SHOWN:,} more" if len(labels) > _SHOWN else shown

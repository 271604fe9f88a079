"""What a person should know of the classes of a dataset that has names for them."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pippin.datasets.arrays import parts
from pippin.datasets.errors import quoted
from pippin.datasets.parsed import ParsedDataset

_MISSING = frozenset({"na", "n/a", "#n/a", "nan", "null", "none", "nil", "missing", "?", "-", "."})
_SHOWN = 5
_LONGEST = 30


def class_notices(parsed: ParsedDataset) -> Iterator[str]:
    """Which names look like missing values, which differ in case alone, and which classes no training example has."""
    labels = parsed.labels
    if labels is None:
        return
    if missing := [label for label in labels if label.strip().lower() in _MISSING]:
        yield f"{_listed(missing)} became a class: leave its examples out if it stands for a missing value"
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


def _present(numbers: NDArray[Any], count: int) -> NDArray[np.bool_]:
    """Which of `count` classes have an example."""
    present = np.zeros(count, bool)
    for part in parts(numbers):
        present[part.reshape(-1)] = True
    return present


def _listed(labels: Sequence[str]) -> str:
    shown = ", ".join(quoted(label, _LONGEST) for label in labels[:_SHOWN])
    return f"{shown} and {len(labels) - _SHOWN:,} more" if len(labels) > _SHOWN else shown

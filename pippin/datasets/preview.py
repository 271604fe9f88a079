"""The first examples of a dataset, for a person to look at."""

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from pippin.datasets.errors import refuse
from pippin.datasets.manifest import Manifest


def preview(
    manifest: Manifest, arrays: Mapping[str, NDArray[Any]], *, split: str | None = None, count: int = 5
) -> dict[str, object]:
    """The first `count` examples of a split, as JSON would have them.

    Args:
        manifest: Of the dataset.
        arrays: As `open_arrays` gives them.
        split: Which split; the first one when absent.
        count: How many examples at most.

    Returns:
        `{"split": …, "examples": [{feature: values nested as its shape}]}`, the values as stored, not scaled.

    Raises:
        DatasetError: There is no such split.
    """
    names = [known.name for known in manifest.splits]
    chosen = names[0] if split is None else split
    if chosen not in names:
        raise refuse(f"the dataset has no split {chosen!r}; its splits are {', '.join(names)}", "/split")
    columns = {feature.name: arrays[f"{chosen}/{feature.name}"][:count].tolist() for feature in manifest.features}
    examples = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    return {"split": chosen, "examples": examples}

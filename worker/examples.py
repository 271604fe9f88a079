"""From a dataset's arrays to what an engine trains and measures on."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pippin.datasets.errors import refuse
from pippin.datasets.manifest import Manifest
from pippin.jobs.request import ResolvedDataset
from pippin.spec import Feature
from worker.engines.engine import Examples

Arrays = Mapping[str, NDArray[Any]]


def split_examples(
    dataset: ResolvedDataset, manifest: Manifest, features: Iterable[Feature], arrays: Arrays, seed: int
) -> tuple[Examples, Examples | None]:
    """The examples to train on and those to measure on, None without a validation split.

    Args:
        dataset: Which splits, and which feature of the dataset each training input takes.
        manifest: The dataset's, for the scale of its features.
        features: The model's training inputs.
        arrays: `split/feature` -> [N, ...].
        seed: Draws the examples that are held out, where a fraction is.

    Raises:
        DatasetError: The dataset lacks an array, one does not fit, or there are too few examples to hold any out.
    """
    features = list(features)
    scales = {
        feature.name: scale for feature, scale in zip(features, _scales(dataset, manifest, features), strict=True)
    }

    def examples(split: str) -> Examples:
        bound = {feature.name: _bound(arrays, split, dataset.bind[feature.name], feature) for feature in features}
        counts = {len(array) for array in bound.values()}
        if len(counts) != 1:
            raise refuse(f"the features of the split {split} have different numbers of examples: {sorted(counts)}")
        return Examples(bound, scales, counts.pop())

    training = examples(dataset.train)
    if dataset.validation_fraction is not None:
        return _hold_out(training, dataset.validation_fraction, seed)
    return training, examples(dataset.validation) if dataset.validation is not None else None


def _scales(dataset: ResolvedDataset, manifest: Manifest, features: list[Feature]) -> list[float]:
    known = {feature.name: feature.scale for feature in manifest.features}
    return [known.get(dataset.bind[feature.name], 1.0) for feature in features]


def _bound(arrays: Arrays, split: str, name: str, feature: Feature) -> NDArray[Any]:
    """The array of one training input, as [N, *shape]."""
    array = arrays.get(f"{split}/{name}")
    if array is None:
        raise refuse(f"the dataset has no feature {name} in a split {split}; it has {', '.join(sorted(arrays))}")
    try:
        return array.reshape(len(array), *feature.shape)
    except ValueError:
        raise refuse(
            f"the feature {name} has the shape {list(array.shape[1:])}, which does not fit the model's training input "
            f"{feature.name} of shape {list(feature.shape)}"
        ) from None


def _hold_out(examples: Examples, fraction: float, seed: int) -> tuple[Examples, Examples]:
    """Part of the examples, drawn by seed, kept apart; both parts stay in the dataset's order."""
    held = min(max(1, round(examples.count * fraction)), examples.count - 1)
    if held < 1:
        raise refuse(f"of {examples.count} example none can be held out for validation; give more examples")
    # Raw words, since NumPy promises those to stay the same in every release, and a permutation not.
    keys = np.random.Philox(np.random.SeedSequence([seed, _HOLD_OUT_STREAM])).random_raw(examples.count)
    order = np.argsort(keys, kind="stable")
    return _select(examples, np.sort(order[held:])), _select(examples, np.sort(order[:held]))


# Apart from the streams that the same seed gives an engine for its shuffling.
_HOLD_OUT_STREAM = 0x686F6C64


def _select(examples: Examples, rows: NDArray[np.intp]) -> Examples:
    return Examples({name: array[rows] for name, array in examples.arrays.items()}, examples.scales, len(rows))

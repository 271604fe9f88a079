"""Selects, from the arrays of a dataset, the examples that a model is trained or evaluated on."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from pippin.api.datasets import Manifest, StoredManifest, held_out_count
from pippin.api.requests import ResolvedDataset, ResolvedRequest
from pippin.datasets.errors import refuse
from pippin.datasets.parsed import PIXEL_SCALE
from pippin.datasets.shapes import is_picture
from pippin.models.spec import Feature, ImageFeature
from pippin.models.trainable import Trainable

Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Examples:
    """Examples to train or evaluate on, in memory or memory-mapped, read-only.

    Attributes:
        arrays: Training input name -> [N, *shape], as stored: uint8 images stay uint8. Contains every training input of
            the model, including the target of the loss.
        scales: Training input name -> the factor for its values; 1 where absent.
        count: N, at least 1.
    """

    arrays: Arrays
    scales: Mapping[str, float]
    count: int


def split_examples(
    dataset: ResolvedDataset, manifest: Manifest, model: Trainable, arrays: Arrays, seed: int
) -> tuple[Examples, Examples | None]:
    """The training examples and the validation examples; None without a validation split.

    Args:
        dataset: The splits, the feature of each training input, and the model's class for each class of the dataset.
        manifest: The manifest of the dataset, for the scale of its features.
        model: The model to train.
        arrays: `split/feature` -> [N, ...].
        seed: The 64-bit seed of the job, from which the examples that `validation_fraction` holds out are drawn.

    Raises:
        DatasetError: An array is missing or does not fit, or there are too few examples to hold any out.
    """
    training = examples_of(dataset, manifest, model, arrays, dataset.train)
    if dataset.validation_fraction is not None:
        return _hold_out(training, dataset.validation_fraction, seed)
    if dataset.validation is None:
        return training, None
    return training, examples_of(dataset, manifest, model, arrays, dataset.validation)


def examples_of(dataset: ResolvedDataset, manifest: Manifest, model: Trainable, arrays: Arrays, split: str) -> Examples:
    """The examples of one split. Arguments and errors as for `split_examples`."""
    features = model.features
    bound = {feature.name: _array_of_input(arrays, split, dataset.bind[feature.name], feature) for feature in features}
    if dataset.classes is not None:
        bound[model.target] = _renumbered(bound[model.target], dataset.classes, f"{split}/{model.target}")
    counts = {len(array) for array in bound.values()}
    if len(counts) != 1:
        raise refuse(f"the features of the split {split} have different numbers of examples: {sorted(counts)}")
    scales = dict(zip(bound, _scales(dataset, manifest, features), strict=True))
    return Examples(bound, scales, counts.pop())


def picture_scales(dataset: ResolvedDataset, manifest: StoredManifest, model: Trainable) -> dict[str, float]:
    """Training input name -> the factor for the bytes of a picture that matches the examples; without the target.

    Bytes have the scale of the dataset. Pictures that were uploaded as numbers from 0 to 1 are assumed to be scaled by
    1/255 already, other numbers to be unscaled bytes of another type.
    """
    features = {feature.name: feature for feature in manifest.features}
    scales = {}
    for input_ in model.features:
        bound = features[dataset.bind[input_.name]]
        values = manifest.ranges[dataset.train][bound.name]
        fractions = bound.dtype != "uint8" and is_picture(bound.shape) and values.minimum >= 0 and values.maximum <= 1
        scale = PIXEL_SCALE if fractions else bound.scale
        scales[input_.name] = 1.0 if isinstance(input_, ImageFeature) else scale
    scales.pop(model.target)
    return scales


def select(examples: Examples, rows: NDArray[np.intp]) -> Examples:
    """The examples `rows`, in that order."""
    return Examples({name: array[rows] for name, array in examples.arrays.items()}, examples.scales, len(rows))


def _scales(dataset: ResolvedDataset, manifest: Manifest, features: Iterable[Feature]) -> list[float]:
    scale_of = {feature.name: feature.scale for feature in manifest.features}
    # The model scales an image input itself.
    return [
        1.0 if isinstance(feature, ImageFeature) else scale_of.get(dataset.bind[feature.name], 1.0)
        for feature in features
    ]


def _renumbered(array: NDArray[Any], classes: list[list[int]], where: str) -> NDArray[np.int32]:
    """The class numbers of the dataset, replaced by the class numbers of the model."""
    dataset_numbers, model_numbers = np.array(sorted(classes), dtype=np.int64).T
    places = np.minimum(np.searchsorted(dataset_numbers, array), len(dataset_numbers) - 1)
    wrong = np.flatnonzero(dataset_numbers[places] != array)
    if wrong.size:
        row = int(wrong[0])
        raise refuse(f"row {row} of {where} is {array.reshape(-1)[row]}, which is none of the model's classes")
    renumbered: NDArray[np.int32] = model_numbers[places].astype(np.int32)
    return renumbered


def _array_of_input(arrays: Arrays, split: str, name: str, feature: Feature) -> NDArray[Any]:
    """The array of one training input, as [N, *shape]."""
    array = arrays.get(f"{split}/{name}")
    if array is None:
        raise refuse(f"the dataset has no feature {name} in a split {split}; it has {', '.join(sorted(arrays))}")
    try:
        return array.reshape(len(array), *feature.lengths)
    except ValueError:
        raise refuse(
            f"the feature {name} has the shape {list(array.shape[1:])}, which does not fit the model's training input "
            f"{feature.name} of shape {list(feature.lengths)}"
        ) from None


def held_out_rows(count: int, fraction: float, seed: int) -> NDArray[np.intp]:
    """The rows of a split that are held out for validation, in ascending order.

    The same arguments give the same rows in every process and release, whatever the order of training: the evaluation
    of a trained model uses the rows that its training left out.

    Args:
        count: The number of examples of the split, at least 2.
        fraction: The share to hold out. At least one example is held out, and at least one is not.
        seed: The 64-bit seed of the job.

    Raises:
        DatasetError: There are too few examples to hold any out.
    """
    held_out = held_out_count(count, fraction)
    if held_out < 1:
        raise refuse(f"of {count} example none can be held out for validation; give more examples")
    # NumPy refuses negative seeds. The raw words of a generator are the same in every release; permutations are not.
    keys = np.random.Philox(np.random.SeedSequence([seed % 2**64, _HOLD_OUT_STREAM])).random_raw(count)
    return np.sort(np.argsort(keys, kind="stable")[:held_out])


def rows_without(count: int, excluded: NDArray[np.intp]) -> NDArray[np.intp]:
    """The rows 0 to `count` - 1 that are not among `excluded`, in ascending order."""
    kept = np.ones(count, dtype=np.bool_)
    kept[excluded] = False
    return np.flatnonzero(kept)


# Differs from the streams for shuffling that an engine derives from the same seed.
_HOLD_OUT_STREAM = 0x686F6C64


def _hold_out(examples: Examples, fraction: float, seed: int) -> tuple[Examples, Examples]:
    """The training examples and the held-out examples, each in the order of the dataset."""
    held_out = held_out_rows(examples.count, fraction, seed)
    return select(examples, rows_without(examples.count, held_out)), select(examples, held_out)


class TrainingRows(BaseModel):
    """Which rows of its training split a job trains on, which its request alone determines."""

    model_config = ConfigDict(frozen=True)

    validation_fraction: float | None = Field(
        description="The share of the rows that the job holds out; null for none."
    )
    seed: int = Field(description="Draws the rows that are held out.")

    @classmethod
    def of(cls, request: ResolvedRequest) -> "TrainingRows":
        """The training rows of a job."""
        fraction = request.dataset.validation_fraction
        # Without a fraction no rows are drawn, so jobs with different seeds train on the same rows.
        return cls(validation_fraction=fraction, seed=0 if fraction is None else request.hyperparameters.seed)

    def held_out(self, count: int) -> NDArray[np.intp]:
        """The rows of `count` that are held out; none without a fraction."""
        if self.validation_fraction is None:
            return np.empty(0, dtype=np.intp)
        return held_out_rows(count, self.validation_fraction, self.seed)

    def trained_on(self, count: int) -> NDArray[np.intp]:
        """The rows of `count` that are trained on."""
        return rows_without(count, self.held_out(count))

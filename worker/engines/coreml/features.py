"""One example's value of one feature, as the type that the model declares."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import CoreML
import numpy as np
from numpy.typing import NDArray

from pippin.models.spec import Feature, ImageFeature
from pippin.models.spec.features import ArrayFeature, LabelFeature
from pippin.models.trainable import Trainable
from worker.engines.coreml.arrays import to_multi_array
from worker.engines.coreml.pixels import to_pixel_buffer, to_pixels
from worker.engines.engine import Examples

Made: TypeAlias = tuple[Any, NDArray[Any] | None]

_DTYPES: dict[str, np.dtype[Any]] = {
    "float": np.dtype(np.float32),
    "double": np.dtype(np.float64),
    "int": np.dtype(np.int32),
}


@dataclass(frozen=True)
class FeatureColumn:
    """A feature of all examples; a row of it is read, and converted, only when Core ML asks for it.

    Attributes:
        name: Its name.
        rows: [N, *shape], as stored.
        make: From one row to an `MLFeatureValue`, and the memory that it points to and does not hold, if any.
    """

    name: str
    rows: NDArray[Any]
    make: Callable[[NDArray[Any]], Made]


def columns_for(model: Trainable, examples: Examples) -> tuple[FeatureColumn, ...]:
    """Every training input of a model, over examples that were found to fit it."""
    return tuple(
        FeatureColumn(feature.name, examples.arrays[feature.name], _maker(feature, model, examples))
        for feature in model.features
    )


def _maker(feature: Feature, model: Trainable, examples: Examples) -> Callable[[NDArray[Any]], Made]:
    if isinstance(feature, ImageFeature):
        return lambda row: _image(row.reshape(feature.lengths))
    if isinstance(feature, LabelFeature):
        assert model.labels is not None
        return _label_maker(model.labels)
    assert isinstance(feature, ArrayFeature)
    return _array_maker(feature, examples.scales.get(feature.name, 1.0))


def _image(row: NDArray[Any]) -> Made:
    pixels = to_pixels(row)
    return CoreML.MLFeatureValue.featureValueWithPixelBuffer_(to_pixel_buffer(pixels)), pixels


def _label_maker(labels: Sequence[str | int]) -> Callable[[NDArray[Any]], Made]:
    def make(row: NDArray[Any]) -> Made:
        label = labels[int(row.reshape(-1)[0])]
        if isinstance(label, str):
            return CoreML.MLFeatureValue.featureValueWithString_(label), None
        return CoreML.MLFeatureValue.featureValueWithInt64_(label), None

    return make


def _array_maker(feature: ArrayFeature, scale: float) -> Callable[[NDArray[Any]], Made]:
    dtype = _DTYPES[feature.type]
    # A class index has no scale, nor have other whole numbers.
    factor = dtype.type(1 if feature.type == "int" else scale)

    def make(row: NDArray[Any]) -> Made:
        array = row.reshape(feature.lengths).astype(dtype) * factor
        return CoreML.MLFeatureValue.featureValueWithMultiArray_(to_multi_array(array)), None

    return make

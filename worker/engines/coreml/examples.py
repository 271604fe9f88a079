"""Examples as Core ML takes them: each value has the type that the model declares."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import CoreML
import numpy as np
import objc
from Foundation import NSObject
from numpy.typing import NDArray

from pippin.models.mlmodel import Model
from pippin.models.spec import Feature, ImageFeature
from pippin.models.spec.features import ArrayFeature, LabelFeature
from pippin.models.trainable import Trainable
from worker.engines.coreml.arrays import to_multi_array, to_pixel_buffer, to_pixels
from worker.engines.engine import Examples

_Converted: TypeAlias = tuple[Any, NDArray[Any] | None]

_DTYPES: dict[str, np.dtype[Any]] = {
    "float": np.dtype(np.float32),
    "double": np.dtype(np.float64),
    "int": np.dtype(np.int32),
}


@dataclass(frozen=True)
class FeatureColumn:
    """A feature of all examples; a row is read and converted only when Core ML requests it.

    Attributes:
        name: The feature's name.
        rows: [N, *shape], as stored.
        make: Converts one row to an `MLFeatureValue`, and the memory that the value points to but does not own, if any.
    """

    name: str
    rows: NDArray[Any]
    make: Callable[[NDArray[Any]], _Converted]


def columns_for(model: Trainable, examples: Examples) -> tuple[FeatureColumn, ...]:
    """All training inputs of a model; the examples are already checked against the model."""
    return tuple(
        FeatureColumn(feature.name, examples.arrays[feature.name], _maker(feature, model, examples))
        for feature in model.features
    )


def _maker(feature: Feature, model: Trainable, examples: Examples) -> Callable[[NDArray[Any]], _Converted]:
    if isinstance(feature, ImageFeature):
        return lambda row: _image(row.reshape(feature.lengths))
    if isinstance(feature, LabelFeature):
        assert model.labels is not None
        return _label_maker(model.labels)
    assert isinstance(feature, ArrayFeature)
    return _array_maker(feature, examples.scales.get(feature.name, 1.0))


def _image(row: NDArray[Any]) -> _Converted:
    pixels = to_pixels(row)
    return CoreML.MLFeatureValue.featureValueWithPixelBuffer_(to_pixel_buffer(pixels)), pixels


def _label_maker(labels: Sequence[str | int]) -> Callable[[NDArray[Any]], _Converted]:
    def make(row: NDArray[Any]) -> _Converted:
        label = labels[int(row.reshape(-1)[0])]
        if isinstance(label, str):
            return CoreML.MLFeatureValue.featureValueWithString_(label), None
        return CoreML.MLFeatureValue.featureValueWithInt64_(label), None

    return make


def _array_maker(feature: ArrayFeature, scale: float) -> Callable[[NDArray[Any]], _Converted]:
    dtype = _DTYPES[feature.type]
    # Class indices and other whole numbers have no scale.
    factor = dtype.type(1 if feature.type == "int" else scale)

    def make(row: NDArray[Any]) -> _Converted:
        array = row.reshape(feature.lengths).astype(dtype) * factor
        return CoreML.MLFeatureValue.featureValueWithMultiArray_(to_multi_array(array)), None

    return make


class PippinExample(  # type: ignore[call-arg] # the keyword is PyObjC's
    NSObject,  # type: ignore[misc] # no type in Python
    protocols=[objc.protocolNamed("MLFeatureProvider")],
):
    """One example, as an `MLFeatureProvider`.

    Attributes:
        values: `MLFeatureValue`s by name.
        kept: The memory that some of the values point to but do not own.
    """

    values: dict[str, Any]
    kept: list[NDArray[Any] | None]

    def featureNames(self) -> set[str]:  # noqa: N802 - a selector's name
        """The names of the example's features."""
        return set(self.values)

    def featureValueForName_(self, name: str) -> Any:  # noqa: ANN401, N802 - an MLFeatureValue, by a selector's name
        """One value; None for a feature that the example does not hold."""
        return self.values.get(name)


class PippinExamples(  # type: ignore[call-arg] # see above
    NSObject,  # type: ignore[misc] # see above
    protocols=[objc.protocolNamed("MLBatchProvider")],
):
    """Rows of some features, as an `MLBatchProvider`; Core ML may request rows on any thread and repeatedly.

    Attributes:
        columns: The features.
        start: The first row.
        length: Number of rows.
    """

    columns: tuple[FeatureColumn, ...]
    start: int
    length: int

    def count(self) -> int:
        """The number of examples."""
        return self.length

    def featuresAtIndex_(self, index: int) -> PippinExample:  # noqa: N802 - a selector's name
        """One example."""
        row = self.start + index
        # Core ML's loop over the examples may not free the autoreleased objects of each example.
        with objc.autorelease_pool():
            values = {column.name: column.make(column.rows[row]) for column in self.columns}
            example: PippinExample = PippinExample.alloc().init()
            example.values = {name: value for name, (value, _) in values.items()}
            example.kept = [memory for _, memory in values.values()]
        return example


def batch_of(columns: tuple[FeatureColumn, ...], start: int, length: int) -> PippinExamples:
    """The rows `start` to `start + length`, end excluded, of the features."""
    batch: PippinExamples = PippinExamples.alloc().init()
    batch.columns, batch.start, batch.length = columns, start, length
    return batch


def scaled_inputs(model: Model, examples: Examples, rows: slice) -> dict[str, NDArray[Any]]:
    """The scaled model inputs of some examples, [n, *shape] each; inputs that examples do not hold are left out."""
    return {
        feature.name: scaled(examples, feature.name, rows).reshape(-1, *feature.lengths)
        for feature in model.resolved.inputs
        if feature.name in model.resolved.training_input_names
    }


def scaled(examples: Examples, name: str, rows: slice) -> NDArray[np.float32]:
    """The scaled values of a training input that holds plain numbers."""
    return np.asarray(examples.arrays[name][rows], np.float32) * np.float32(examples.scales.get(name, 1.0))

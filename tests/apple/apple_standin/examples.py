"""From feature providers to arrays, each feature held against its declaration."""

from typing import Any

import numpy as np

from apple_standin.errors import CoreMLError
from apple_standin.faults import crash
from apple_standin.features import MLFeatureValue, is_example
from apple_standin.multi_array import CODES
from apple_standin.pixel_buffers import FORMATS
from apple_standin.proto import network_of

_GRAY, _RGB, _BGR = 10, 20, 30
_IMAGE_FORMATS = {_GRAY: (0x4C303038,), _RGB: (0x42475241, 0x20), _BGR: (0x42475241, 0x20)}


def _array(name: str, declared: Any, value: Any) -> Any:
    if CODES[value._dtype] != declared.dataType:
        raise CoreMLError(
            "FeatureType",
            f"feature {name!r}: MultiArray of data type {CODES[value._dtype]}, declared {declared.dataType}",
        )
    if value._shape != tuple(declared.shape):
        raise CoreMLError(
            "FeatureType", f"feature {name!r}: MultiArray of shape {value._shape}, declared {list(declared.shape)}"
        )
    return value._values().astype(np.float64)


def _image(name: str, declared: Any, buffer: Any) -> Any:
    """[C, H, W], raw 0 to 255, in the declared order of colours."""
    size = (declared.width, declared.height)
    if (buffer._width, buffer._height) != size or buffer._format not in _IMAGE_FORMATS[declared.colorSpace]:
        raise CoreMLError("FeatureType", f"feature {name!r}: Image of another size or format than declared {size}")
    channels = FORMATS[buffer._format]
    rows = np.frombuffer(buffer._memory.read(), np.uint8)[: buffer._height * buffer._row_bytes]
    pixels = rows.reshape(buffer._height, buffer._row_bytes)[:, : buffer._width * channels]
    planes = pixels.reshape(buffer._height, buffer._width, channels).transpose(2, 0, 1).astype(np.float64)
    if channels == 1:
        return planes
    blue_green_red = planes[:3] if buffer._format == 0x42475241 else planes[:0:-1]
    return blue_green_red if declared.colorSpace == _BGR else blue_green_red[::-1]


_KINDS = {
    "multiArrayType": "MultiArray",
    "imageType": "Image",
    "int64Type": "Int64",
    "stringType": "String",
    "doubleType": "Double",
}


def value_of(example: Any, feature: Any) -> Any:
    """One feature of one example: an array, an int, a float or a string."""
    declared = feature.type.WhichOneof("Type")
    names = _asked(example.featureNames)
    if not isinstance(names, (set, frozenset)):
        crash(f"featureNames returned {type(names).__name__}, which becomes no NSSet")
    value = _asked(example.featureValueForName_, feature.name)
    if feature.name not in names or value is None:
        raise CoreMLError("FeatureType", f"feature {feature.name!r} is required but not specified")
    if not isinstance(value, MLFeatureValue) or value._kind != _KINDS.get(declared):
        kind = value._kind if isinstance(value, MLFeatureValue) else type(value).__name__
        raise CoreMLError(
            "FeatureType", f"feature {feature.name!r}: {kind}, but the model declares {_KINDS.get(declared)}"
        )
    if declared == "multiArrayType":
        return _array(feature.name, feature.type.multiArrayType, value._value)
    if declared == "imageType":
        return _image(feature.name, feature.type.imageType, value._value)
    return value._value


def _asked(method: Any, *arguments: Any) -> Any:
    """What a provider answers, which may be Python's: its exceptions end the process, for Core ML catches none."""
    try:
        return method(*arguments)
    except Exception as raised:  # noqa: BLE001  # whatever Python raised
        crash("a feature provider or batch provider raised, where Core ML catches nothing", raised)


def example_at(batch: Any, index: int) -> Any:
    """An example of a provider."""
    example = _asked(batch.featuresAtIndex_, index)
    if not is_example(example):
        crash(f"featuresAtIndex_ returned {type(example).__name__}, which is no MLFeatureProvider")
    return example


def count_of(batch: Any) -> int:
    """How many examples a provider says it has."""
    count = _asked(batch.count)
    if not isinstance(count, int) or isinstance(count, bool):
        crash(f"count returned {type(count).__name__}, and is declared to return a 64-bit integer")
    return int(count)


def inputs_of(model: Any, examples: list[Any]) -> dict[str, Any]:
    """The network's inputs, [N, C, H, W]: a vector gets H = W = 1."""
    if network_of(model).arrayInputShapeMapping != 0:
        raise CoreMLError("Generic", "the stand-in reads arrays as RANK5 only")
    inputs = {}
    for feature in model.description.input:
        batch = np.stack([np.asarray(value_of(example, feature), dtype=np.float64) for example in examples])
        if batch.ndim == 2:
            batch = batch[:, :, None, None]
        if batch.ndim != 4:
            raise CoreMLError("Generic", f"feature {feature.name!r}: RANK5 knows arrays of rank 1 and 3 only")
        inputs[feature.name] = batch
    return inputs


def labels_of(model: Any) -> list[Any]:
    """The labels of a classifier, in the softmax's order; empty for any other model."""
    if model.WhichOneof("Type") != "neuralNetworkClassifier":
        return []
    kind = model.neuralNetworkClassifier.WhichOneof("ClassLabels")
    return list(getattr(model.neuralNetworkClassifier, kind).vector) if kind else []


def targets_of(model: Any, target: str, examples: list[Any]) -> Any:
    """What the loss compares with, for a batch: class indices, or arrays."""
    labels = labels_of(model)
    loss = network_of(model).updateParams.lossLayers[0]
    entropy = loss.WhichOneof("LossLayerType") == "categoricalCrossEntropyLossLayer"
    name = model.description.predictedFeatureName if labels and entropy else target
    features = [feature for feature in model.description.trainingInput if feature.name == name]
    if not features:
        raise CoreMLError("Update", f"the training inputs lack the target {name!r}")
    (feature,) = features
    if entropy and feature.type.WhichOneof("Type") == "multiArrayType":
        declared = feature.type.multiArrayType
        if tuple(declared.shape) != (1,) or declared.dataType != CODES[np.dtype("i4")]:
            crash(f"BNNS error: target {name!r} is no class index, int32 of shape [1]")
    values = [value_of(example, feature) for example in examples]
    if not entropy:
        return np.stack([np.asarray(value, dtype=np.float64) for value in values])
    if labels:
        unknown = [value for value in values if value not in labels]
        if unknown:
            raise CoreMLError("Update", f"label {unknown[0]!r} is none of the classes")
        return np.asarray([labels.index(value) for value in values])
    return np.asarray([int(np.asarray(value).reshape(-1)[0]) for value in values])

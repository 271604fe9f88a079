"""Descriptions of inputs and outputs, a classifier's classes and a regressor's quantity."""

from collections.abc import Sequence
from typing import Final

from pippin.errors import Fault, pointer
from pippin.models.mlmodel.errors import FEATURES_DEFAULTS, FEATURES_KEYS, ModelFileError
from pippin.models.mlmodel.proto import ARRAY_TYPES, COLORS, Message
from pippin.models.spec import ArrayFeature, Feature, ImageFeature, LabelFeature, ModelSpec
from pippin.models.spec.features import DictionaryFeature, NumberFeature


def write_feature(feature: Feature, message: Message) -> None:
    """Write `feature` into a `FeatureDescription`."""
    message.name = feature.name
    kind = message.type
    match feature:
        case ArrayFeature():
            kind.multiArrayType.shape.extend(feature.lengths)
            kind.multiArrayType.dataType = ARRAY_TYPES[feature.type]
        case ImageFeature():
            kind.imageType.width, kind.imageType.height = feature.width, feature.height
            kind.imageType.colorSpace = COLORS[feature.color]
        case LabelFeature(type="string"):
            kind.stringType.SetInParent()
        case LabelFeature():
            kind.int64Type.SetInParent()
        case NumberFeature():
            kind.doubleType.SetInParent()
        case DictionaryFeature(keys="string"):
            kind.dictionaryType.stringKeyType.SetInParent()
        case DictionaryFeature():
            kind.dictionaryType.int64KeyType.SetInParent()


# 1,000 inputs and the target, each listed twice.
_MAX_FEATURES: Final = 2_002
_MAX_FAULTS: Final = 20


def read_features(messages: Sequence[Message], field: str) -> list[dict[str, object]]:
    """The features of a list of `FeatureDescription`, as a spec's document has them in `field`.

    Raises:
        ModelFileError: With the first 20 faults: features that the spec language does not support, or that are
            inconsistent.
    """
    if len(messages) > _MAX_FEATURES:
        detail = f"found {len(messages)} features in {field}; a model may have {_MAX_FEATURES}"
        raise ModelFileError(detail, [Fault(pointer(field), detail)])
    features: list[dict[str, object]] = []
    faults: list[Fault] = []
    for index, message in enumerate(messages):
        try:
            features.append(_read_feature(message))
            if field != "training_inputs":
                # Apple's validator does not check the defaults of training inputs.
                _check_default(message)
        except ModelFileError as error:
            faults += [fault.under(pointer(field, index)) for fault in error.faults]
            if len(faults) >= _MAX_FAULTS:
                break
    if faults:
        raise ModelFileError("; ".join(fault.detail for fault in faults[:5]), faults)
    return features


def _read_feature(message: Message) -> dict[str, object]:
    """The feature of a `FeatureDescription`, as a spec's document has it.

    Raises:
        ModelFileError: The spec language does not support the feature's kind, flexible shape or data type.
    """
    name, kind = message.name, message.type.WhichOneof("Type")
    if message.type.isOptional:
        raise ModelFileError(f"feature {name!r} is optional; Pippin needs every feature in every example")
    match kind:
        case "multiArrayType":
            return {"name": name} | _read_array(name, message.type.multiArrayType)
        case "imageType":
            return {"name": name} | _read_image(name, message.type.imageType)
        case "stringType":
            return {"name": name, "type": "string"}
        case "int64Type":
            return {"name": name, "type": "int64"}
        case "doubleType":
            return {"name": name, "type": "number"}
        case "dictionaryType":
            keys = _KEYS.get(message.type.dictionaryType.WhichOneof("KeyType"))
            if keys is None:
                raise ModelFileError(
                    f"feature {name!r} is a dictionary without a type of keys; needs int64KeyType or stringKeyType",
                    rule=FEATURES_KEYS,
                )
            return {"name": name, "type": "dictionary", "keys": keys}
    raise ModelFileError(f"feature {name!r} is of kind {kind}; a network reads and outputs arrays, images and classes")


_KEYS = {"int64KeyType": "int64", "stringKeyType": "string"}

_DEFAULTS = {
    ARRAY_TYPES["float"]: "floatDefaultValue",
    ARRAY_TYPES["double"]: "doubleDefaultValue",
    ARRAY_TYPES["int"]: "intDefaultValue",
}


def _check_default(message: Message) -> None:
    """Refuse an array's default value that is stored in the field of another data type.

    Raises:
        ModelFileError: The default value is in the wrong field.
    """
    array = message.type.multiArrayType
    default = array.WhichOneof("defaultOptionalValue")
    if default is not None and default != _DEFAULTS.get(array.dataType):
        raise ModelFileError(
            f"feature {message.name!r} has a {default} for numbers of data type {array.dataType}; needs "
            f"{_DEFAULTS[array.dataType]}",
            rule=FEATURES_DEFAULTS,
        )


def _read_array(name: str, array: Message) -> dict[str, object]:
    if array.WhichOneof("ShapeFlexibility") is not None:
        raise ModelFileError(f"feature {name!r} is of flexible shape; Pippin needs one fixed shape")
    numbers = next((known for known, number in ARRAY_TYPES.items() if number == array.dataType), None)
    if numbers is None:
        raise ModelFileError(
            f"feature {name!r} has numbers of data type {array.dataType}; Pippin knows "
            + ", ".join(f"{known} ({number})" for known, number in ARRAY_TYPES.items())
        )
    # Outputs are often declared without a shape; the shape then follows from the layers.
    return {"type": numbers} | ({"shape": list(array.shape)} if array.shape else {})


def _read_image(name: str, image: Message) -> dict[str, object]:
    if image.WhichOneof("SizeFlexibility") is not None:
        raise ModelFileError(f"feature {name!r} is an image of flexible size; Pippin needs one fixed size")
    color = next((known for known, number in COLORS.items() if number == image.colorSpace), None)
    if color is None:
        raise ModelFileError(
            f"feature {name!r} is an image of colour space {image.colorSpace}; Pippin knows "
            + ", ".join(f"{known} ({number})" for known, number in COLORS.items())
        )
    return {"type": "image", "color": color, "width": image.width, "height": image.height}


def write_classes(spec: ModelSpec, model: Message, network: Message) -> None:
    """Write the class labels and the names of the predicted features."""
    description = model.description
    if spec.classifier is not None:
        vector = network.stringClassLabels if spec.classifier.label_type == "string" else network.int64ClassLabels
        vector.vector.extend(spec.classifier.labels)
        network.labelProbabilityLayerName = spec.classifier.blob or ""
        description.predictedFeatureName = spec.classifier.predicted_feature
        description.predictedProbabilitiesName = spec.classifier.probabilities or ""
    if spec.regressor is not None:
        description.predictedFeatureName = spec.regressor.predicted_feature


def read_classes(model: Message, network: Message) -> dict[str, object]:
    """`classifier` or `regressor` of a spec's document; empty for a plain network."""
    description = model.description
    match model.WhichOneof("Type"):
        case "neuralNetworkClassifier":
            kind = network.WhichOneof("ClassLabels")
            return {
                "classifier": {
                    "labels": list(getattr(network, kind).vector) if kind else [],
                    "predicted_feature": description.predictedFeatureName,
                    "probabilities": description.predictedProbabilitiesName or None,
                    "blob": network.labelProbabilityLayerName or None,
                }
            }
        case "neuralNetworkRegressor":
            return {"regressor": {"predicted_feature": description.predictedFeatureName}}
    return {}

"""The descriptions of what goes in and comes out."""

from pippin.mlmodel.errors import ModelFileError
from pippin.mlmodel.proto import ARRAY_TYPES, Message
from pippin.spec import Feature


def write_feature(feature: Feature, message: Message) -> None:
    """Write `feature` into a `FeatureDescription`."""
    message.name = feature.name
    message.type.multiArrayType.shape.extend(feature.shape)
    message.type.multiArrayType.dataType = ARRAY_TYPES[feature.type]


def read_feature(message: Message) -> dict[str, object]:
    """The feature of a `FeatureDescription`, as a spec's document has it.

    Raises:
        ModelFileError: It is no array of a fixed shape, or of numbers that the spec language does not have.
    """
    kind = message.type.WhichOneof("Type")
    if kind != "multiArrayType":
        raise ModelFileError(f"feature {message.name!r} is of kind {kind}; Pippin trains with multiArrayType")
    array = message.type.multiArrayType
    if message.type.isOptional or array.WhichOneof("ShapeFlexibility") is not None:
        raise ModelFileError(f"feature {message.name!r} is optional or of flexible shape; Pippin needs one fixed shape")
    name = next((name for name, number in ARRAY_TYPES.items() if number == array.dataType), None)
    if name is None:
        raise ModelFileError(
            f"feature {message.name!r} has numbers of data type {array.dataType}; Pippin knows "
            + ", ".join(f"{name} ({number})" for name, number in ARRAY_TYPES.items())
        )
    return {"name": message.name, "shape": list(array.shape), "type": name}

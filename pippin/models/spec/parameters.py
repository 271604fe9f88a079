"""Hyperparameters that a model declares: a default, and limits of other values."""

import sys
from typing import Annotated, Any, ClassVar, Self

from pydantic import (
    Field,
    GetJsonSchemaHandler,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)
from pydantic_core import CoreSchema

from pippin.models.spec.layer import Message
from pippin.models.spec.values import Real, Value, Whole

Count = Annotated[int, Field(strict=True, ge=1, lt=2**63)]


class _Parameter(Value):
    """The base class of both kinds of parameters. In JSON a bare number is a default without limits.

    A range with one end left out gets the type's own: `type_min` or `type_max`.
    """

    type_min: ClassVar[int | float]
    type_max: ClassVar[int | float]

    @model_validator(mode="before")
    @classmethod
    def _spell_out(cls, given: object) -> object:
        if isinstance(given, int | float):
            return {"default": given}
        if not isinstance(given, dict):
            return given
        low, high = (next((given[key] for key in keys if given.get(key) is not None), None) for keys in _ENDS)
        if (low is None) == (high is None):
            return given
        rest = {key: value for key, value in given.items() if key not in _ENDS[0] + _ENDS[1]}
        return {**rest, "min": cls.type_min if low is None else low, "max": cls.type_max if high is None else high}

    @model_serializer(mode="wrap")
    def _shorten(self, handler: SerializerFunctionWrapHandler) -> object:
        given: dict[str, float | tuple[float, ...]] = {
            key: value for key, value in handler(self).items() if value is not None
        }
        bare = given["default"]
        return bare if len(given) == 1 and not isinstance(bare, tuple) else given

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """The JSON schema, which also allows a bare number."""
        reference = handler(core_schema)
        schema = handler.resolve_ref_schema(reference)
        if "properties" in schema:
            spelled_out = dict(schema)
            description = spelled_out.pop("description")
            number = schema["properties"]["default"]
            schema.clear()
            schema |= {"description": description, "anyOf": [number | {"title": "Default alone"}, spelled_out]}
        return reference


_ENDS = (("min", "minimum"), ("max", "maximum"))


class IntegerParameter(_Parameter):
    """An `Int64Parameter`: whole, 1 or more; admits any such number, a range, or the members of a set."""

    default: Count
    minimum: Count | None = Field(default=None, alias="min")
    maximum: Count | None = Field(default=None, alias="max")
    allowed: tuple[Count, ...] | None = Field(default=None, alias="set", min_length=1, max_length=100_000)

    type_min: ClassVar[int | float] = 1
    type_max: ClassVar[int | float] = 2**63 - 1
    _unlimited: ClassVar[str] = "1 or more"

    @model_validator(mode="after")
    def _default_inside_limits(self) -> Self:
        if self.minimum is not None and self.allowed is not None:
            raise ValueError("found a range and a set; give min and max, or set")
        _check_range(self.default, self.minimum, self.maximum)
        if self.allowed is not None and self.default not in self.allowed:
            raise ValueError(f"found default {self.default}; needs {self.limits}")
        return self

    @property
    def limits(self) -> str:
        """Which values are admitted, in words."""
        if self.allowed is not None:
            return "one of " + ", ".join(map(str, self.allowed))
        return self._unlimited if self.minimum is None else f"a whole number from {self.minimum} to {self.maximum}"

    def admits(self, value: float) -> bool:
        """Whether the model lets a job use `value`."""
        if self.allowed is not None:
            return value in self.allowed
        if self.minimum is None or self.maximum is None:
            return self.type_min <= value <= self.type_max
        return self.minimum <= value <= self.maximum


class SeedParameter(IntegerParameter):
    """An `Int64Parameter` for a seed: any whole number of 64 bits, negative ones too.

    Source: UpdatableNeuralNetworkValidator.cpp, which checks the limits of `seed` and not its sign.
    """

    default: Whole
    minimum: Whole | None = Field(default=None, alias="min")
    maximum: Whole | None = Field(default=None, alias="max")
    allowed: tuple[Whole, ...] | None = Field(default=None, alias="set", min_length=1, max_length=100_000)

    type_min: ClassVar[int | float] = -(2**63)
    _unlimited: ClassVar[str] = "a whole number of 64 bits"


class DoubleParameter(_Parameter):
    """A `DoubleParameter`: any finite number, or those of a range."""

    default: Real
    minimum: Real | None = Field(default=None, alias="min")
    maximum: Real | None = Field(default=None, alias="max")

    type_min: ClassVar[int | float] = 0.0
    type_max: ClassVar[int | float] = sys.float_info.max

    @model_validator(mode="after")
    def _default_inside_limits(self) -> Self:
        _check_range(self.default, self.minimum, self.maximum)
        return self

    @property
    def limits(self) -> str:
        """Which values are admitted, in words."""
        return "any number" if self.minimum is None else f"a number from {self.minimum} to {self.maximum}"

    def admits(self, value: float) -> bool:
        """Whether the model lets a job use `value`."""
        return self.minimum is None or self.maximum is None or self.minimum <= value <= self.maximum


def parameter_document(message: Message) -> dict[str, object]:
    """An `Int64Parameter` or `DoubleParameter` of the file in the form of a spec's document.

    A parameter with an empty set allows no value, and the spec refuses it.
    """
    document: dict[str, object] = {"default": message.defaultValue}
    match message.WhichOneof("AllowedValues"):
        case "range":
            document |= {"min": message.range.minValue, "max": message.range.maxValue}
        case "set":
            document["set"] = list(message.set.values)
    return document


def _check_range(default: float, minimum: float | None, maximum: float | None) -> None:
    if minimum is None or maximum is None:
        return
    if minimum > maximum:
        raise ValueError(f"found min {minimum} above max {maximum}; needs min no greater than max")
    if not minimum <= default <= maximum:
        raise ValueError(f"found default {default}; needs a number from {minimum} to {maximum}")

"""The base class of spec parts, and the types of their scalars."""

import struct
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

Shape = tuple[int, ...]
"""The shape of a blob for one example, as Core ML's layers see it, without the axis of the examples.

With RANK5 mapping the shape is (sequence, 1, C, H, W), and (1, 1, C, 1, 1) for a vector; with EXACT mapping the shape
has the rank that the model declares.
"""

MAX_ELEMENTS = 2**31
"""The maximum size of a blob, in numbers."""

MAX_PARAMETERS = 500_000_000
"""The maximum number of weights of a model: a file is limited to protobuf's 2 GiB, and each weight takes four bytes."""


RESERVED_PREFIX = "pippin."
"""The prefix of Pippin's own metadata keys in a file."""


class Value(BaseModel):
    """A part of a spec: immutable, without unknown fields, with finite numbers only."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
    )


def single(value: float) -> float:
    """`value` as the nearest 32-bit float, in its shortest decimal form: 0.1, not 0.10000000149011612.

    Raises:
        ValueError: The number is out of the range of a 32-bit float.
    """
    try:
        stored = struct.pack("<f", value)
    except OverflowError:
        raise ValueError(f"found {value}; needs a number that a float32 can hold") from None
    (nearest,) = struct.unpack("<f", stored)
    shortest = (float(f"{nearest:.{digits}g}") for digits in range(6, 10))
    return next((short for short in shortest if struct.pack("<f", short) == stored), float(nearest))


Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Text = Annotated[str, StringConstraints(max_length=100_000)]

# Strict, because "3", true and 3.0 in place of an integer are mistakes in a spec.
Flag = Annotated[bool, Field(strict=True)]
Real = Annotated[float, Field(strict=True)]
Single = Annotated[float, Field(strict=True), AfterValidator(single)]
"""A number of the file's `float` fields as its shortest decimal, so that writing and reading keeps the value."""
Whole = Annotated[int, Field(strict=True, ge=-(2**63), lt=2**63)]
Natural = Annotated[int, Field(strict=True, ge=0, lt=2**63)]
Channels = Annotated[int, Field(strict=True, ge=1, le=2**24)]
Extent = Annotated[int, Field(strict=True, ge=1, le=2**16)]
Border = Annotated[int, Field(strict=True, ge=0, le=2**16)]
Dimension = Annotated[int, Field(strict=True, ge=1, le=2**31)]


def _other_than_zero(value: float) -> float:
    if value == 0:
        raise ValueError("found 0, which means the default in a file; needs another number")
    return value


NonZero = Annotated[Single, AfterValidator(_other_than_zero)]
"""A number of a `float` field that says "defaults to … if not set or set to 0"."""

"""What every part of a spec is made of: frozen values and the scalars that they hold."""

import struct
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

Shape = tuple[int, ...]
"""The shape of one example's blob, as Core ML's layers see it; the axis of the examples is never part of it.

With RANK5 mapping it is (sequence, 1, C, H, W), a vector being (1, 1, C, 1, 1); with EXACT mapping it has the rank that
the model declares.
"""

MAX_ELEMENTS = 2**31
"""No blob may have more numbers than this."""

MAX_PARAMETERS = 500_000_000
"""No model may have more: a file ends at protobuf's 2 GiB, and each takes four bytes of it."""


RESERVED_PREFIX = "pippin."
"""What Pippin's own metadata keys in a file begin with."""


class Value(BaseModel):
    """A part of a spec: never changes, knows every field it may have, holds finite numbers only."""

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
        ValueError: It is beyond what 32 bits hold.
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

# Strict, because "3", true and 3.0 are no whole numbers, and a spec that says so has a mistake in it.
Flag = Annotated[bool, Field(strict=True)]
Real = Annotated[float, Field(strict=True)]
Single = Annotated[float, Field(strict=True), AfterValidator(single)]
"""A number of the file's `float` fields, as the shortest decimal that names it: what is written reads back the same."""
Whole = Annotated[int, Field(strict=True, ge=-(2**63), lt=2**63)]
Natural = Annotated[int, Field(strict=True, ge=0, lt=2**63)]
Channels = Annotated[int, Field(strict=True, ge=1, le=2**24)]
Extent = Annotated[int, Field(strict=True, ge=1, le=2**16)]
Border = Annotated[int, Field(strict=True, ge=0, le=2**16)]
Dimension = Annotated[int, Field(strict=True, ge=1, le=2**31)]


def _other_than_zero(value: float) -> float:
    if value == 0:
        raise ValueError("found 0, which a file takes for its default; needs another number")
    return value


NonZero = Annotated[Single, AfterValidator(_other_than_zero)]
"""A number of a `float` field that says "defaults to … if not set or set to 0"."""

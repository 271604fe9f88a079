"""What every part of a spec is made of: frozen values and the scalars that they hold."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Shape = tuple[int, ...]
"""The shape of one example's blob: (C, H, W), or (C,) for a vector. The examples' own axis is never part of it."""

MOST_ELEMENTS = 2**31
"""No blob may have more numbers than this."""

MOST_PARAMETERS = 500_000_000
"""No model may have more: a file ends at protobuf's 2 GiB, and each takes four bytes of it."""


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


Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Text = Annotated[str, StringConstraints(max_length=100_000)]

# Strict, because "3", true and 3.0 are no whole numbers, and a spec that says so has a mistake in it.
Flag = Annotated[bool, Field(strict=True)]
Real = Annotated[float, Field(strict=True)]
Whole = Annotated[int, Field(strict=True, ge=-(2**63), lt=2**63)]
Natural = Annotated[int, Field(strict=True, ge=0, lt=2**63)]
Channels = Annotated[int, Field(strict=True, ge=1, le=2**24)]
Extent = Annotated[int, Field(strict=True, ge=1, le=2**16)]
Border = Annotated[int, Field(strict=True, ge=0, le=2**16)]
Dimension = Annotated[int, Field(strict=True, ge=1, le=2**31)]

"""Numbers of the file that cannot be 0, because a 0 there stands for a default."""

from typing import Annotated

from pydantic import AfterValidator

from pippin.models.spec.values import Single


def _other_than_zero(value: float) -> float:
    if value == 0:
        raise ValueError("found 0, which a file takes for its default; needs another number")
    return value


NonZero = Annotated[Single, AfterValidator(_other_than_zero)]
"""A number of a `float` field that says "defaults to … if not set or set to 0"."""

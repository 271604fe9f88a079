"""PReLU: ReLU with a slope of its own below 0 for each channel."""

from typing import ClassVar, Final, Literal

from pydantic import Field

from pippin.models.spec.per_channel import PerChannel
from pippin.models.spec.values import Flag

FIRST_SLOPE: Final = 0.25


class PReLU(PerChannel):
    """`ActivationPReLU` (version 1): alpha[c] * x for each number below 0, x for the others."""

    type: Literal["prelu"] = "prelu"
    alpha: list[object] | None = Field(
        default=None,
        repr=False,
        description="The slopes below 0: one number a channel, or a single one; 0.25 at first.",
    )
    shared_alpha: Flag = Field(default=False, description="Whether one slope serves all channels.")

    proto_path: ClassVar[str] = "activation.PReLU"
    least_rank: ClassVar[int] = 3
    array_fields: ClassVar[tuple[str, ...]] = ("alpha",)

    def filled_with(self, key: str) -> float | None:  # noqa: ARG002 - there is one array
        """A quarter, as is usual; the proto names no number."""
        return FIRST_SLOPE

"""Linear: alpha * x + beta for each number."""

from typing import ClassVar, Literal

from pydantic import Field

from pippin.models.spec.curves import AlphaBetaCurve
from pippin.models.spec.values import Single


class Linear(AlphaBetaCurve):
    """`ActivationLinear` (version 1): alpha * x + beta for each number."""

    type: Literal["linear"] = "linear"
    alpha: Single = Field(description="The slope.")
    beta: Single = Field(default=0.0, description="The value at 0.")

    proto_path: ClassVar[str] = "activation.linear"

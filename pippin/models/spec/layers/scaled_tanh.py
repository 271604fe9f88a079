"""Scaled tanh: alpha * tanh(beta * x) for each number."""

from typing import ClassVar, Literal

from pydantic import Field

from pippin.models.spec.curves import AlphaBetaCurve
from pippin.models.spec.values import Single


class ScaledTanh(AlphaBetaCurve):
    """`ActivationScaledTanh` (version 1): alpha * tanh(beta * x) for each number."""

    type: Literal["scaled_tanh"] = "scaled_tanh"
    alpha: Single = Field(description="What the tangent is multiplied by.")
    beta: Single = Field(description="What x is multiplied by.")

    proto_path: ClassVar[str] = "activation.scaledTanh"

"""Leaky ReLU: alpha * x for each number below 0."""

from typing import ClassVar, Literal

from pydantic import Field

from pippin.models.spec.curves import AlphaCurve
from pippin.models.spec.values import Single


class LeakyReLU(AlphaCurve):
    """`ActivationLeakyReLU` (version 1): alpha * x for each number below 0, x for the others."""

    type: Literal["leaky_relu"] = "leaky_relu"
    alpha: Single = Field(description="The slope below 0.")

    proto_path: ClassVar[str] = "activation.leakyReLU"

"""Hard sigmoid: alpha * x + beta for each number, cut off at 0 and 1."""

from typing import ClassVar, Literal

from pydantic import Field

from pippin.models.spec.curves import AlphaBetaCurve
from pippin.models.spec.values import Single


class SigmoidHard(AlphaBetaCurve):
    """`ActivationSigmoidHard` (version 1): alpha * x + beta for each number, cut off at 0 and 1."""

    type: Literal["sigmoid_hard"] = "sigmoid_hard"
    alpha: Single = Field(description="The slope.")
    beta: Single = Field(description="The value at 0.")

    proto_path: ClassVar[str] = "activation.sigmoidHard"

"""Thresholded ReLU: 0 for each number below alpha."""

from typing import ClassVar, Literal

from pydantic import Field

from pippin.models.spec.curves import AlphaCurve
from pippin.models.spec.values import Single


class ThresholdedReLU(AlphaCurve):
    """`ActivationThresholdedReLU` (version 1): 0 for each number below alpha, x for the others."""

    type: Literal["thresholded_relu"] = "thresholded_relu"
    alpha: Single = Field(description="The least number that stays.")

    proto_path: ClassVar[str] = "activation.thresholdedReLU"

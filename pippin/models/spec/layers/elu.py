"""ELU: alpha * (exp(x) - 1) for each number below 0."""

from typing import ClassVar, Literal

from pydantic import Field

from pippin.models.spec.curves import AlphaCurve
from pippin.models.spec.values import Single


class ELU(AlphaCurve):
    """`ActivationELU` (version 1): alpha * (exp(x) - 1) for each number below 0, x for the others."""

    type: Literal["elu"] = "elu"
    alpha: Single = Field(description="How far below 0 it levels off.")

    proto_path: ClassVar[str] = "activation.ELU"

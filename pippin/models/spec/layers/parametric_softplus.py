"""Parametric softplus: softplus with two numbers of its own for each channel."""

from typing import ClassVar, Literal

from pydantic import Field

from pippin.models.spec.per_channel import PerChannel
from pippin.models.spec.values import Flag


class ParametricSoftplus(PerChannel):
    """`ActivationParametricSoftplus` (version 1): alpha[c] * log(1 + exp(beta[c] * x)) for each number."""

    type: Literal["parametric_softplus"] = "parametric_softplus"
    alpha: list[object] | None = Field(
        default=None,
        repr=False,
        description="Factors of the result: one number a channel, or a single one; 1 at first.",
    )
    beta: list[object] | None = Field(
        default=None, repr=False, description="Factors of x: one number a channel, or a single one; 1 at first."
    )
    shared_alpha: Flag = Field(default=False, description="Whether one alpha serves all channels.")
    shared_beta: Flag = Field(default=False, description="Whether one beta serves all channels.")

    proto_path: ClassVar[str] = "activation.parametricSoftplus"
    least_rank: ClassVar[int] = 3
    array_fields: ClassVar[tuple[str, ...]] = ("alpha", "beta")

    def filled_with(self, key: str) -> float | None:  # noqa: ARG002 - the same for both
        """Ones: the plain softplus."""
        return 1.0

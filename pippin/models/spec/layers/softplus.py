"""Softplus: log(1 + exp(x)) for each number."""

from typing import ClassVar, Literal

from pippin.models.spec.layer import Bare


class Softplus(Bare):
    """`ActivationSoftplus` (version 1): log(1 + exp(x)) for each number."""

    type: Literal["softplus"] = "softplus"

    proto_path: ClassVar[str] = "activation.softplus"

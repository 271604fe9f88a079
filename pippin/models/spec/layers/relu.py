"""ReLU: max(0, x) for each number."""

from typing import ClassVar, Literal

from pippin.models.spec.layer import Bare


class ReLU(Bare):
    """`ActivationReLU` (version 1): max(0, x) for each number."""

    type: Literal["relu"] = "relu"

    proto_path: ClassVar[str] = "activation.ReLU"
    passes_gradient: ClassVar[bool] = True

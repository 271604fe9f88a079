"""ReLU: max(0, x) for each number."""

from typing import ClassVar, Literal

from pippin.spec.layer import Elementwise


class ReLU(Elementwise):
    """`ActivationReLU`: max(0, x) for each number."""

    type: Literal["relu"] = "relu"

    proto_path: ClassVar[str] = "activation.ReLU"

"""Sigmoid: 1 / (1 + exp(-x)) for each number."""

from typing import ClassVar, Literal

from pippin.spec.layer import Elementwise


class Sigmoid(Elementwise):
    """`ActivationSigmoid`: 1 / (1 + exp(-x)) for each number."""

    type: Literal["sigmoid"] = "sigmoid"

    proto_path: ClassVar[str] = "activation.sigmoid"

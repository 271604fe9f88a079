"""Sigmoid: 1 / (1 + exp(-x)) for each number."""

from typing import ClassVar, Literal

from pippin.models.spec.layer import Bare


class Sigmoid(Bare):
    """`ActivationSigmoid` (version 1): 1 / (1 + exp(-x)) for each number."""

    type: Literal["sigmoid"] = "sigmoid"

    proto_path: ClassVar[str] = "activation.sigmoid"
    passes_gradient: ClassVar[bool] = True

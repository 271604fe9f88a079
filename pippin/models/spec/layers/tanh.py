"""Tanh: tanh(x) for each number."""

from typing import ClassVar, Literal

from pippin.models.spec.layer import Bare


class Tanh(Bare):
    """`ActivationTanh` (version 1): tanh(x) for each number."""

    type: Literal["tanh"] = "tanh"

    proto_path: ClassVar[str] = "activation.tanh"
    passes_gradient: ClassVar[bool] = True

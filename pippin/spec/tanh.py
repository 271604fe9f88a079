"""Tanh: tanh(x) for each number."""

from typing import ClassVar, Literal

from pippin.spec.layer import Elementwise


class Tanh(Elementwise):
    """`ActivationTanh`: tanh(x) for each number."""

    type: Literal["tanh"] = "tanh"

    proto_path: ClassVar[str] = "activation.tanh"

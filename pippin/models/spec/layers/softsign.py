"""Softsign: x / (1 + |x|) for each number."""

from typing import ClassVar, Literal

from pippin.models.spec.layer import Bare


class Softsign(Bare):
    """`ActivationSoftsign` (version 1): x / (1 + |x|) for each number."""

    type: Literal["softsign"] = "softsign"

    proto_path: ClassVar[str] = "activation.softsign"

"""The smallest of several blobs, number by number."""

from typing import ClassVar, Literal

from pippin.models.spec.combining import Combining


class Min(Combining):
    """`MinLayerParams` (version 1): the smallest of several blobs, number by number."""

    type: Literal["min"] = "min"

    proto_path: ClassVar[str] = "min"

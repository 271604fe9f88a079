"""The largest of several blobs, number by number."""

from typing import ClassVar, Literal

from pippin.models.spec.combining import Combining


class Max(Combining):
    """`MaxLayerParams` (version 1): the largest of several blobs, number by number."""

    type: Literal["max"] = "max"

    proto_path: ClassVar[str] = "max"

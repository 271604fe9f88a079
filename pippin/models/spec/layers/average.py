"""The mean of several blobs, number by number."""

from typing import ClassVar, Literal

from pippin.models.spec.combining import Combining


class Average(Combining):
    """`AverageLayerParams` (version 1): the mean of several blobs, number by number."""

    type: Literal["average"] = "average"

    proto_path: ClassVar[str] = "average"

"""Addition, of blobs or of a number."""

from typing import ClassVar, Literal

from pippin.models.spec.combining import CombiningOrScalar


class Add(CombiningOrScalar):
    """`AddLayerParams` (version 1): the sum of several blobs, or x + alpha for each number of one."""

    type: Literal["add"] = "add"

    proto_path: ClassVar[str] = "add"

"""Multiplication, of blobs or by a number."""

from typing import ClassVar, Literal

from pippin.models.spec.combining import CombiningOrScalar


class Multiply(CombiningOrScalar):
    """`MultiplyLayerParams` (version 1): the product of several blobs, or alpha * x for each number of one."""

    type: Literal["multiply"] = "multiply"

    proto_path: ClassVar[str] = "multiply"

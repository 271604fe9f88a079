"""Softmax: numbers become a distribution."""

from typing import ClassVar, Literal

from pippin.models.spec.layer import Bare


class Softmax(Bare):
    """`SoftmaxLayerParams` (version 1): exp(x) / sum(exp(x)) over the channels, the last axis but two.

    Of a blob of rank 3, which only a model with EXACT mapping has, it is over the last axis: that is what the runtime
    was seen to do (coremltools issue 1714), whatever the documentation says.
    """

    type: Literal["softmax"] = "softmax"

    proto_path: ClassVar[str] = "softmax"
    least_rank: ClassVar[int] = 3

"""Local response normalization: each number is damped by those at its place in the channels around."""

from typing import ClassVar, Final, Literal

from pydantic import Field

from pippin.models.spec.layer import Message, ShapeKeeping
from pippin.models.spec.nonzero import NonZero
from pippin.models.spec.values import Extent, Single

K: Final = 1.0


class LRN(ShapeKeeping):
    """`LRNLayerParams` (version 1): [..., C, H, W] to the same shape.

    The window of an even `local_size` reaches one channel further before its own than after: so does that of Apple's
    `MPSCNNCrossChannelNormalization`, which has the same formula; the proto does not say.
    """

    type: Literal["lrn"] = "lrn"
    alpha: Single = Field(description="How strongly the squares of the window's numbers damp.")
    beta: Single = Field(description="The power of what each number is divided by.")
    local_size: Extent = Field(description="How many channels the window holds.")
    k: NonZero = Field(default=K, gt=0, description="What that begins with before the squares are added.")

    proto_path: ClassVar[str] = "lrn"
    least_rank: ClassVar[int] = 3

    def reach(self, channels: int) -> tuple[int, int]:
        """How many channels before and after its own a number can see, where there are `channels`."""
        return min(self.local_size // 2, channels - 1), min((self.local_size - 1) // 2, channels - 1)

    def write(self, message: Message) -> None:
        """Write every field."""
        message.alpha = self.alpha
        message.beta = self.beta
        message.localSize = self.local_size
        message.k = self.k

    @classmethod
    def read(cls, message: Message) -> dict[str, object]:
        """The fields; a k of 0 is the proto's default."""
        return {
            "alpha": message.alpha,
            "beta": message.beta,
            "local_size": message.localSize,
            "k": message.k or K,
        }

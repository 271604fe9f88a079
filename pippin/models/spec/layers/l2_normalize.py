"""L2 normalization: an image of length 1."""

from typing import ClassVar, Final, Literal

from pydantic import Field

from pippin.models.spec.layer import Message, ShapeKeeping
from pippin.models.spec.nonzero import NonZero

EPSILON: Final = 1e-6


class L2Normalize(ShapeKeeping):
    """`L2NormalizeLayerParams` (version 1): [..., C, H, W] to the same shape, each image divided by its length."""

    type: Literal["l2_normalize"] = "l2_normalize"
    epsilon: NonZero = Field(
        default=EPSILON, gt=0, description="Added to the sum of the squares before the root is taken of it."
    )

    proto_path: ClassVar[str] = "l2normalize"
    least_rank: ClassVar[int] = 3

    def write(self, message: Message) -> None:
        """Write epsilon."""
        message.epsilon = self.epsilon

    @classmethod
    def read(cls, message: Message) -> dict[str, object]:
        """Epsilon; 0 is the proto's default."""
        return {"epsilon": message.epsilon or EPSILON}

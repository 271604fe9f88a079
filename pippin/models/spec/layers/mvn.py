"""Mean-variance normalization: an image, or each of its channels, with a mean of 0 and a variance of 1."""

from typing import ClassVar, Final, Literal

from pydantic import Field

from pippin.models.spec.layer import Message, ShapeKeeping
from pippin.models.spec.nonzero import NonZero
from pippin.models.spec.values import Flag

EPSILON: Final = 1e-6


class MVN(ShapeKeeping):
    """`MeanVarianceNormalizeLayerParams` (version 1): [..., C, H, W] to the same shape.

    The proto has no formula. That epsilon is added to the variance, as in batch normalization, and not to its root is
    Pippin's choice.
    """

    type: Literal["mvn"] = "mvn"
    across_channels: Flag = Field(
        default=False, description="Whether mean and variance are over channels, height and width, or height and width."
    )
    normalize_variance: Flag = Field(default=True, description="Whether to divide, or only to subtract the mean.")
    epsilon: NonZero = Field(default=EPSILON, gt=0, description="Added to the variance before the root is taken of it.")

    proto_path: ClassVar[str] = "mvn"
    least_rank: ClassVar[int] = 3

    def write(self, message: Message) -> None:
        """Write every field."""
        message.acrossChannels = self.across_channels
        message.normalizeVariance = self.normalize_variance
        message.epsilon = self.epsilon

    @classmethod
    def read(cls, message: Message) -> dict[str, object]:
        """The fields; an epsilon of 0 is the proto's default."""
        return {
            "across_channels": message.acrossChannels,
            "normalize_variance": message.normalizeVariance,
            "epsilon": message.epsilon or EPSILON,
        }

"""Normalization: batch, mean and variance, L2, and local response."""

from collections.abc import Iterator, Mapping
from typing import ClassVar, Final, Literal, Self

from pydantic import Field

from pippin.errors import Fault
from pippin.models.spec.layer import Message, ShapeKeeping
from pippin.models.spec.values import Channels, Extent, Flag, NonZero, Shape, Single
from pippin.models.spec.weighted import Parametric

BATCHNORM_EPSILON: Final = 1e-5


class Batchnorm(ShapeKeeping, Parametric):
    """`BatchnormLayerParams` (version 1): [..., C, H, W] to the same shape; every array is [C].

    Without `compute_mean_var`, mean and variance are stored, and training does not change them.
    """

    type: Literal["batchnorm"] = "batchnorm"
    channels: Channels | None = Field(default=None, description="Number of channels. Default: that of the input.")
    compute_mean_var: Flag = Field(
        default=False, description="Whether mean and variance are computed from the input instead of stored."
    )
    instance_normalization: Flag = Field(
        default=False,
        description="Whether mean and variance are computed per image instead of per mini-batch; no effect on stored "
        "ones.",
    )
    epsilon: NonZero = Field(
        default=BATCHNORM_EPSILON, gt=0, description="Added to the variance before its square root."
    )
    gamma: list[object] | None = Field(
        default=None, repr=False, description="The factor, one number per channel. Default: 1."
    )
    beta: list[object] | None = Field(
        default=None, repr=False, description="The summand, one number per channel. Default: 0."
    )
    mean: list[object] | None = Field(default=None, repr=False, description="The stored mean. Default: 0.")
    variance: list[object] | None = Field(default=None, repr=False, description="The stored variance. Default: 1.")

    summary: ClassVar[str] = (
        "Batch normalization: normalizes each channel to mean 0 and variance 1, then scales and shifts it."
    )
    proto_path: ClassVar[str] = "batchnorm"
    min_rank: ClassVar[int] = 3
    passes_gradient: ClassVar[bool] = True
    array_fields: ClassVar[tuple[str, ...]] = ("gamma", "beta", "mean", "variance")

    def weight_shapes(self, inputs: tuple[Shape, ...]) -> Mapping[str, Shape]:
        """`gamma` and `beta`, and `mean` and `variance` if they are stored."""
        keys = self.array_fields[: 2 if self.compute_mean_var else 4]
        return dict.fromkeys(keys, (inputs[0][-3],))

    def fill_value(self, key: str) -> float:
        """1 for gamma and variance, 0 for beta and mean: initially the layer changes its input hardly at all."""
        return 1.0 if key in ("gamma", "variance") else 0.0

    def faults(self, inputs: tuple[Shape, ...]) -> Iterator[Fault]:
        """Faults for a wrong number of channels, arrays of another shape, and unused stored arrays."""
        if self.channels not in (None, inputs[0][-3]):
            yield Fault("/channels", f"found {self.channels}; the input has {inputs[0][-3]}")
        for key in ("mean", "variance"):
            if self.compute_mean_var and self.explicit_array(key) is not None:
                yield Fault(f"/{key}", f"found a {key} although compute_mean_var is true; remove one of the two")
        yield from super().faults(inputs)

    def completed(self, inputs: tuple[Shape, ...]) -> Self:
        """Fills in `channels`."""
        return self.model_copy(update={"channels": inputs[0][-3]})

    def write(self, message: Message) -> None:
        """Write every field."""
        message.channels = self.channels
        message.computeMeanVar = self.compute_mean_var
        message.instanceNormalization = self.instance_normalization
        message.epsilon = self.epsilon

    @classmethod
    def read(cls, message: Message) -> dict[str, object]:
        """The fields; an epsilon of 0 is the proto's default."""
        return {
            "channels": message.channels,
            "compute_mean_var": message.computeMeanVar,
            "instance_normalization": message.instanceNormalization,
            "epsilon": message.epsilon or BATCHNORM_EPSILON,
        }


MVN_EPSILON: Final = 1e-6


class MVN(ShapeKeeping):
    """`MeanVarianceNormalizeLayerParams` (version 1): [..., C, H, W] to the same shape.

    The proto has no formula. Pippin's choice: epsilon is added to the variance, as in batch normalization, and not to
    its root.
    """

    type: Literal["mvn"] = "mvn"
    across_channels: Flag = Field(
        default=False,
        description="Whether mean and variance are computed over channels, height and width, or only "
        "over height and width.",
    )
    normalize_variance: Flag = Field(
        default=True, description="Whether to divide by the standard deviation, or only to subtract the mean."
    )
    epsilon: NonZero = Field(default=MVN_EPSILON, gt=0, description="Added to the variance before its square root.")

    summary: ClassVar[str] = (
        "Mean-variance normalization: normalizes an image, or each of its channels, to mean 0 and variance 1."
    )
    proto_path: ClassVar[str] = "mvn"
    min_rank: ClassVar[int] = 3

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
            "epsilon": message.epsilon or MVN_EPSILON,
        }


L2_EPSILON: Final = 1e-6


class L2Normalize(ShapeKeeping):
    """`L2NormalizeLayerParams` (version 1): [..., C, H, W] to the same shape, each image divided by its length."""

    type: Literal["l2_normalize"] = "l2_normalize"
    epsilon: NonZero = Field(
        default=L2_EPSILON, gt=0, description="Added to the sum of the squares before its square root."
    )

    summary: ClassVar[str] = "L2 normalization: scales an image to length 1."
    proto_path: ClassVar[str] = "l2normalize"
    min_rank: ClassVar[int] = 3

    def write(self, message: Message) -> None:
        """Write epsilon."""
        message.epsilon = self.epsilon

    @classmethod
    def read(cls, message: Message) -> dict[str, object]:
        """Epsilon; 0 is the proto's default."""
        return {"epsilon": message.epsilon or L2_EPSILON}


K: Final = 1.0


class LRN(ShapeKeeping):
    """`LRNLayerParams` (version 1): [..., C, H, W] to the same shape.

    The window of an even `local_size` includes one more channel before its centre than after, as in Apple's
    `MPSCNNCrossChannelNormalization`, which has the same formula; the proto does not specify this.
    """

    type: Literal["lrn"] = "lrn"
    alpha: Single = Field(description="Factor of the mean of the squares in the window.")
    beta: Single = Field(description="Exponent of the divisor.")
    local_size: Extent = Field(description="Number of channels in the window.")
    k: NonZero = Field(default=K, gt=0, description="Constant term of the divisor.")

    summary: ClassVar[str] = (
        "Local response normalization: divides each number by a function of the numbers at the same place in "
        "neighboring channels."
    )
    proto_path: ClassVar[str] = "lrn"
    min_rank: ClassVar[int] = 3

    def reach(self, channels: int) -> tuple[int, int]:
        """The number of channels before and after the centre of the window, for an input with `channels`."""
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

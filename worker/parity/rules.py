"""What Core ML's documents leave open, as choices."""

from dataclasses import dataclass
from typing import Literal

Order = tuple[int, ...]
Momentum = Literal["lr_inside", "lr_outside", "nesterov", "dampened"]
AdamForm = Literal["eps_outside", "eps_hat", "eps_in_root", "uncorrected"]
SquaredError = Literal["mean", "half_mean", "sum", "half_sum", "batch_sum"]
LastBatch = Literal["filled", "own_size", "dropped", "full_divisor", "filled_before"]
EpochLoss = Literal["examples", "batches", "last_batch"]
Precision = Literal["float32", "float16"]
Kernels = Literal["oihw", "oiwh", "iohw", "hwio", "flipped"]


@dataclass(frozen=True)
class Rules:
    """One way to train; the defaults are Pippin's choices.

    Attributes:
        momentum: `lr_inside`: v <- m v + lr g, w <- w - v. `lr_outside`: v <- m v + g, w <- w - lr v. `nesterov`: v as
            inside, w <- w - (m v + lr g). `dampened`: v <- m v + (1 - m) lr g, w <- w - v.
        adam: Where eps stands: `eps_outside` beside the root of the corrected v, `eps_hat` beside that of the
            uncorrected one, `eps_in_root` under the root; or `uncorrected`, without any correction for the first steps.
        squared_error: The loss of a mini-batch as a function of the squares [N, K]: their mean, half of it, the sum
            over K and mean over N, half of that, or the mean over K and sum over N.
        last_batch: A smaller last mini-batch is `filled` up with the first examples of the epoch's order, all of which
            count, divided by its `own_size`, `dropped`, divided by the full size (`full_divisor`), or filled up with
            what stands in these places of the mini-batch before it (`filled_before`).
        epoch_loss: The loss of an epoch is the mean over its `examples`, each of them once, over its `batches`, or that
            of the last one.
        orders: The order of the examples in each epoch; None is that of the data.
        arithmetic: What the forward and the backward pass are rounded to; float32 stands for full precision.
        storage: What weights are rounded to after each step; float32 stands for full precision.
        kernels: The order of the axes in which a convolution's weights are read: o and i are output and input
            channels, h and w the kernel's height and width. `flipped` is `oihw` with each kernel turned by 180 degrees.
    """

    momentum: Momentum = "lr_inside"
    adam: AdamForm = "eps_hat"
    squared_error: SquaredError = "mean"
    last_batch: LastBatch = "filled"
    epoch_loss: EpochLoss = "examples"
    orders: tuple[Order, ...] | None = None
    arithmetic: Precision = "float32"
    storage: Precision = "float32"
    kernels: Kernels = "oihw"

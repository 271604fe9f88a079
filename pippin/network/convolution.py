"""Convolution as slices side by side and one matrix product.

XLA compiles the gradient of this for a CPU into matrix products too; the gradient of its own convolution was ten times
slower there. Where the device has a good convolution (a GPU), the caller brings it along.
"""

import math

from pippin.network.arrays import Array
from pippin.network.step import Step
from pippin.network.window import Window
from pippin.network.geometry import window_of


def convolution(step: Step, x: Array) -> Array:
    """y[h, w, o] = bias[o] + sum_ijc weights[o, c, i, j] * x[h*s + i*d - top, w*s + j*d - left, c] (`ConvolutionLayerParams`).

    x [N, H, W, inC] -> y [N, H', W', outC]; weights [outC, inC/groups, kH, kW], bias [outC]. Beyond the edge x is 0.
    Output channels come in `groups` equal runs, each of which sees the run of input channels with its own number.
    """
    fields = step.layer.layer
    y = correlate(step, x, window_of(step.layer, fields.dilation), fields.groups)
    return y + step.weights["bias"] if "bias" in step.weights else y


def correlate(step: Step, x: Array, window: Window, groups: int) -> Array:
    """The convolution without its bias."""
    weights = step.weights["weights"]
    if step.convolve is not None:
        kernel = step.xp.transpose(weights, (2, 3, 1, 0))
        borders = window.borders(x.shape[1:3])
        return step.convolve(
            x, kernel, stride=window.stride, dilation=window.dilation, borders=borders, groups=groups
        )
    cells = window.cells(window.pad(x, step.xp, 0))
    out_channels, in_channels = weights.shape[:2]
    produced = []
    for group in range(groups):
        seen = slice(group * in_channels, (group + 1) * in_channels)
        made = slice(group * out_channels // groups, (group + 1) * out_channels // groups)
        patches = step.xp.concatenate([cell[..., seen] for cell in cells], axis=-1)
        kernel = step.xp.transpose(weights[made], (2, 3, 1, 0))
        produced.append(patches @ kernel.reshape(math.prod(kernel.shape[:3]), kernel.shape[3]))
    return step.xp.concatenate(produced, axis=-1)

"""Convolution as slices side by side and one matrix product.

XLA compiles that for a CPU, and its gradient is matrix products again; the gradient of XLA's own convolution took ten
times as long there. Where the device has a good convolution, the caller brings it along.
"""

from math import prod

from pippin.models.spec.layers.convolution import Convolution
from pippin.network.arrays import Array, Namespace
from pippin.network.step import Step, over_images
from pippin.network.window import Borders, Window, with_borders

# Up to this many channels, slices go one below the other: side by side, each number would be copied by itself. A layer
# of 32x32 images took 0.51 of the time with 1 channel, 0.73 with 3, 0.81 with 4, and 0.9 to 1.1 with 8.
FEW_CHANNELS = 4

# Up to this many cells are cut out one by one, beyond that gathered in one go. Cut out, 32x32 cells took XLA 21 s to
# compile, and 64x64 cells 260 s; gathered, 0.3 s. With 11x11 cells gathering made a step take 1.7 times as long.
FEW_CELLS = 128


@over_images
def convolution(step: Step[Convolution], x: Array) -> Array:
    """Correlate: y[h, w, o] = bias[o] + sum_ijc weights[o, c, i, j] * x[h*s + i*d - top, w*s + j*d - left, c].

    [N, H, W, inC] -> [N, H', W', outC] (`ConvolutionLayerParams`); weights are [outC, inC/groups, kH, kW], the bias
    [outC]. x is 0 beyond the image. With groups, input and output channels form as many equal runs, and an output
    channel sees the run of input channels that has its own run's number.
    """
    if step.convolve is None:
        bordered = with_borders(x, borders_of(step.layer, x), 0, step.xp)
        y = product(bordered, window_of(step.layer, bordered), step.layer.groups, step.weights["weights"], step.xp)
    else:
        y = step.convolve(
            x,
            step.xp.transpose(step.weights["weights"], (2, 3, 1, 0)),
            stride=step.layer.stride,
            dilation=step.layer.dilation,
            borders=borders_of(step.layer, x),
            groups=step.layer.groups,
        )
    return y + step.weights["bias"] if step.layer.has_bias else y


def borders_of(layer: Convolution, x: Array) -> Borders:
    """The zeros to add around `x` [N, H, W, C]."""
    height, width, channels = x.shape[1:]
    return layer.pads((channels, height, width))


def window_of(layer: Convolution, bordered: Array) -> Window:
    """The positions of the layer's kernel on an image that has its borders."""
    return Window.within(bordered.shape[1:3], layer.kernel_size, layer.stride, layer.dilation)


def product(bordered: Array, window: Window, groups: int, kernel: Array, xp: Namespace) -> Array:
    """What `kernel` [outC, inC/groups, kH, kW] makes at the positions of `window`: [N, *window.count, outC]."""
    out_channels = kernel.shape[0]
    if groups > 1:
        made = _grouped(bordered, window, groups, kernel, xp)
    else:
        # Both factors are made flat first: left with four dimensions, XLA copied the transpose of each before it
        # computed the weights' gradient, and a training step took 1.4 times as long.
        made = _rows(bordered, window, xp) @ xp.transpose(kernel, (2, 3, 1, 0)).reshape(-1, out_channels)
    return made.reshape(bordered.shape[0], *window.count, out_channels)


def _rows(bordered: Array, window: Window, xp: Namespace) -> Array:
    """What the kernel sees, one row a position: [N*H'*W', kH*kW*inC]."""
    channels = bordered.shape[-1]
    if prod(window.kernel) > FEW_CELLS:
        return _gathered(bordered, window, xp).reshape(-1, prod(window.kernel) * channels)
    cells = window.cells(bordered)
    if channels <= FEW_CHANNELS:
        below = xp.concatenate([xp.moveaxis(cell, -1, 0) for cell in cells])
        return below.reshape(len(cells) * channels, -1).T
    return xp.concatenate(cells, axis=-1).reshape(-1, len(cells) * channels)


def _gathered(bordered: Array, window: Window, xp: Namespace) -> Array:
    """What each cell of the kernel sees at each position: [N, H', W', kH, kW, inC]."""
    rows, columns = (
        window.first[axis]
        + window.stride[axis] * xp.arange(window.count[axis])[:, None]
        + window.dilation[axis] * xp.arange(window.kernel[axis])
        for axis in (0, 1)
    )
    down = xp.take(bordered, rows, axis=1, mode="clip")
    return xp.transpose(xp.take(down, columns, axis=3, mode="clip"), (0, 1, 3, 2, 4, 5))


def _grouped(bordered: Array, window: Window, groups: int, kernel: Array, xp: Namespace) -> Array:
    """One product a group: [N*H'*W', outC]."""
    (out_channels, in_channels), cells = kernel.shape[:2], prod(window.kernel)
    if cells > FEW_CELLS:
        seen = xp.swapaxes(_gathered(bordered, window, xp).reshape(-1, cells, groups, in_channels), 1, 2)
    else:
        seen = xp.stack([cell.reshape(-1, groups, in_channels) for cell in window.cells(bordered)], axis=2)
    rows = seen.reshape(-1, groups, cells * in_channels)
    factors = kernel.reshape(groups, out_channels // groups, in_channels, cells)
    columns = xp.transpose(factors, (0, 3, 2, 1)).reshape(groups, cells * in_channels, out_channels // groups)
    return xp.transpose(xp.transpose(rows, (1, 0, 2)) @ columns, (1, 0, 2)).reshape(-1, out_channels)

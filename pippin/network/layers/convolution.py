"""Convolution and deconvolution over height and width.

A convolution is computed as concatenated slices and one matrix product. XLA compiles this well for a CPU, and its
gradient is matrix products again; the gradient of XLA's convolution took ten times as long there. For a device with a
fast convolution, the caller passes that convolution.

A deconvolution is computed as a convolution that makes a whole patch of the output at each position: the kernel is cut
into tiles of the stride's size. Each output patch, of the same size, is the sum of the tiles, each weighted by another
cell of the input, which is a convolution; the adjacent patches form the output. Adding overlapping kernels instead took
1.5 times as long with 3x3 cells and stride 1, and 1.6 times with 4x4 cells and stride 2.
"""

from math import prod

from pippin.models.spec.layers.convolution import Convolution, Deconvolution
from pippin.network.arrays import Array, Namespace
from pippin.network.step import Step, over_images
from pippin.network.window import Borders, Pair, Window, with_borders

# Up to this many channels, slices are stacked along the first axis: along the last axis, each number would be copied
# separately. A layer of 32x32 images took 0.51 of the time with 1 channel, 0.73 with 3, 0.81 with 4, and 0.9 to 1.1
# with 8.
FEW_CHANNELS = 4

# Up to this many cells are sliced one by one; more cells are gathered in one operation. Sliced, 32x32 cells took XLA
# 21 s to compile, and 64x64 cells 260 s; gathered, 0.3 s. With 11x11 cells a step with gathering took 1.7 times as
# long.
FEW_CELLS = 128


@over_images
def convolution(step: Step[Convolution], x: Array) -> Array:
    """Correlate: y[h, w, o] = bias[o] + sum_ijc weights[o, c, i, j] * x[h*s + i*d - top, w*s + j*d - left, c].

    [N, H, W, inC] -> [N, H', W', outC] (`ConvolutionLayerParams`); weights are [outC, inC/groups, kH, kW], the bias
    [outC]. x is 0 outside the image. Input and output channels are split into equal, consecutive groups; an output
    channel depends only on the input channels of the group with the same number.
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
    """The positions of the layer's kernel on an image with borders."""
    return Window.within(bordered.shape[1:3], layer.kernel_size, layer.stride, layer.dilation)


def product(bordered: Array, window: Window, groups: int, kernel: Array, xp: Namespace) -> Array:
    """The products with `kernel` [outC, inC/groups, kH, kW] at the positions of `window`: [N, *window.count, outC]."""
    out_channels = kernel.shape[0]
    if groups > 1:
        result = _grouped(bordered, window, groups, kernel, xp)
    else:
        # Flatten both factors first: with four dimensions, XLA copied the transpose of each before it computed the
        # weights' gradient, and a training step took 1.4 times as long.
        result = _rows(bordered, window, xp) @ xp.transpose(kernel, (2, 3, 1, 0)).reshape(-1, out_channels)
    return result.reshape(bordered.shape[0], *window.count, out_channels)


def _rows(bordered: Array, window: Window, xp: Namespace) -> Array:
    """The pixels under the kernel, one row per position: [N*H'*W', kH*kW*inC]."""
    channels = bordered.shape[-1]
    if prod(window.kernel) > FEW_CELLS:
        return _gathered(bordered, window, xp).reshape(-1, prod(window.kernel) * channels)
    cells = window.cells(bordered)
    if channels <= FEW_CHANNELS:
        below = xp.concatenate([xp.moveaxis(cell, -1, 0) for cell in cells])
        return below.reshape(len(cells) * channels, -1).T
    return xp.concatenate(cells, axis=-1).reshape(-1, len(cells) * channels)


def _gathered(bordered: Array, window: Window, xp: Namespace) -> Array:
    """The pixel under each cell of the kernel at each position: [N, H', W', kH, kW, inC]."""
    rows, columns = (
        window.first[axis]
        + window.stride[axis] * xp.arange(window.count[axis])[:, None]
        + window.dilation[axis] * xp.arange(window.kernel[axis])
        for axis in (0, 1)
    )
    down = xp.take(bordered, rows, axis=1, mode="clip")
    return xp.transpose(xp.take(down, columns, axis=3, mode="clip"), (0, 1, 3, 2, 4, 5))


def _grouped(bordered: Array, window: Window, groups: int, kernel: Array, xp: Namespace) -> Array:
    """One product per group: [N*H'*W', outC]."""
    (out_channels, in_channels), cells = kernel.shape[:2], prod(window.kernel)
    if cells > FEW_CELLS:
        pixels = xp.swapaxes(_gathered(bordered, window, xp).reshape(-1, cells, groups, in_channels), 1, 2)
    else:
        pixels = xp.stack([cell.reshape(-1, groups, in_channels) for cell in window.cells(bordered)], axis=2)
    rows = pixels.reshape(-1, groups, cells * in_channels)
    factors = kernel.reshape(groups, out_channels // groups, in_channels, cells)
    columns = xp.transpose(factors, (0, 3, 2, 1)).reshape(groups, cells * in_channels, out_channels // groups)
    return xp.transpose(xp.transpose(rows, (1, 0, 2)) @ columns, (1, 0, 2)).reshape(-1, out_channels)


@over_images
def deconvolution(step: Step[Deconvolution], x: Array) -> Array:
    """Spread: y[i*s + k - first, o] = bias[o] + sum_ic weights[c, o, k] * x[i, c], in height and width.

    [N, H, W, inC] -> [N, H', W', outC] (`ConvolutionLayerParams` with `isDeconvolution`, version 1): i is a cell of the
    input, k a cell of the kernel, and the sum is over all pairs of i and k with the same i*s + k. Weights are
    [inC, outC/groups, kH, kW], the bias [outC]. Input and output channels are split into equal, consecutive groups; an
    output channel depends only on the input channels of the group with the same number.
    """
    layer, xp = step.layer, step.xp
    height, width, channels = x.shape[1:]
    kept = layer.kept((channels, height, width))
    # The range of patches, first to before last, that contains the kept rows and columns.
    down, across = (
        (first // stride, -(-(first + count) // stride))
        for (first, count), stride in zip(kept, layer.stride, strict=True)
    )
    kernel = _tiled(step.weights["weights"], layer.groups, layer.stride, xp)
    tiles = kernel.shape[2:]
    region = _between(x, (down[0] - tiles[0] + 1, down[1]), (across[0] - tiles[1] + 1, across[1]), xp)
    if step.convolve is None:
        patches = product(region, Window.within(region.shape[1:3], tiles, (1, 1)), layer.groups, kernel, xp)
    else:
        patches = step.convolve(
            region,
            xp.transpose(kernel, (2, 3, 1, 0)),
            stride=(1, 1),
            dilation=(1, 1),
            borders=((0, 0), (0, 0)),
            groups=layer.groups,
        )
    (first_row, rows), (first_column, columns) = kept
    top, left = first_row - down[0] * layer.stride[0], first_column - across[0] * layer.stride[1]
    y = _side_by_side(patches, layer.groups, layer.stride, xp)[:, top : top + rows, left : left + columns]
    return y + step.weights["bias"] if layer.has_bias else y


def _tiled(kernel: Array, groups: int, stride: Pair, xp: Namespace) -> Array:
    """[inC, outC/groups, kH, kW] -> [groups * sH * sW * outC/groups, inC/groups, tiles down, tiles across].

    Each output channel of the convolution is one position in a patch and one output channel of the layer.
    """
    in_channels, out_of_group, *size = kernel.shape
    (s_h, s_w), (t_h, t_w) = stride, (-(-cells // step) for cells, step in zip(size, stride, strict=True))
    filled = xp.pad(kernel, ((0, 0), (0, 0), (0, t_h * s_h - size[0]), (0, t_w * s_w - size[1])))
    apart = filled.reshape(groups, in_channels // groups, out_of_group, t_h, s_h, t_w, s_w)
    # A patch gets the last tile from the uppermost input cell, and the first tile from the cell at its own position.
    turned = apart[:, :, :, ::-1, :, ::-1, :]
    return xp.transpose(turned, (0, 4, 6, 2, 1, 3, 5)).reshape(-1, in_channels // groups, t_h, t_w)


def _between(x: Array, rows: Pair, columns: Pair, xp: Namespace) -> Array:
    """Rows and columns of `x` [N, H, W, C] in the half-open ranges `rows` and `columns`; zeros outside `x`."""
    inner = x[:, max(0, rows[0]) : max(0, rows[1]), max(0, columns[0]) : max(0, columns[1])]
    borders = (
        (max(0, -first), max(0, last - max(first, size)))
        for (first, last), size in zip((rows, columns), x.shape[1:3], strict=True)
    )
    return xp.pad(inner, ((0, 0), *borders, (0, 0)))


def _side_by_side(patches: Array, groups: int, stride: Pair, xp: Namespace) -> Array:
    """[N, H, W, groups * sH * sW * outC/groups] -> [N, H * sH, W * sW, outC]."""
    examples, height, width, _ = patches.shape
    apart = patches.reshape(examples, height, width, groups, *stride, -1)
    turned = xp.transpose(apart, (0, 1, 4, 2, 5, 3, 6))
    return turned.reshape(examples, height * stride[0], width * stride[1], -1)

"""Deconvolution as a convolution that makes a whole patch of the output at each of its positions.

A kernel is cut into tiles as large as the stride. Each patch of the output, of that size too, is the sum of as many
tiles, each weighed by another cell of the input: that is what a convolution does, and its patches side by side are the
output. Kernels added up where they overlap took 1.5 times as long with 3x3 cells and stride 1, 1.6 times with 4x4 cells
and stride 2.
"""

from pippin.models.spec.layers.deconvolution import Deconvolution
from pippin.network.arrays import Array, Namespace
from pippin.network.layers.convolution import product
from pippin.network.step import Step, over_images
from pippin.network.window import Pair, Window


@over_images
def deconvolution(step: Step[Deconvolution], x: Array) -> Array:
    """Spread: y[i*s + k - first, o] = bias[o] + sum_ic weights[c, o, k] * x[i, c], in height and width alike.

    [N, H, W, inC] -> [N, H', W', outC] (`ConvolutionLayerParams` that is a deconvolution, version 1): i is a cell of
    the input, k one of the kernel, and the sum runs over all i and k that meet there. Weights are
    [inC, outC/groups, kH, kW], the bias [outC]. With groups, input and output channels form as many equal runs, and an
    output channel sees the run of input channels that has its own run's number.
    """
    layer, xp = step.layer, step.xp
    height, width, channels = x.shape[1:]
    kept = layer.kept((channels, height, width))
    # The patches that hold what is kept: from this one to before that one.
    down, across = (
        (first // stride, -(-(first + count) // stride))
        for (first, count), stride in zip(kept, layer.stride, strict=True)
    )
    kernel = _tiled(step.weights["weights"], layer.groups, layer.stride, xp)
    tiles = kernel.shape[2:]
    seen = _between(x, (down[0] - tiles[0] + 1, down[1]), (across[0] - tiles[1] + 1, across[1]), xp)
    if step.convolve is None:
        patches = product(seen, Window.within(seen.shape[1:3], tiles, (1, 1)), layer.groups, kernel, xp)
    else:
        patches = step.convolve(
            seen,
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

    Each output channel of the convolution is one place in a patch and one output channel of the layer.
    """
    in_channels, out_of_group, *size = kernel.shape
    (s_h, s_w), (t_h, t_w) = stride, (-(-cells // step) for cells, step in zip(size, stride, strict=True))
    filled = xp.pad(kernel, ((0, 0), (0, 0), (0, t_h * s_h - size[0]), (0, t_w * s_w - size[1])))
    apart = filled.reshape(groups, in_channels // groups, out_of_group, t_h, s_h, t_w, s_w)
    # A patch has the last tile of the cell that is furthest up, and the first of its own.
    turned = apart[:, :, :, ::-1, :, ::-1, :]
    return xp.transpose(turned, (0, 4, 6, 2, 1, 3, 5)).reshape(-1, in_channels // groups, t_h, t_w)


def _between(x: Array, rows: Pair, columns: Pair, xp: Namespace) -> Array:
    """Rows and columns of `x` [N, H, W, C] from the first of a pair to before the second; zeros where it has none."""
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

"""Convolution and pooling, forwards and backwards, on arrays [N, C, H, W] in float64."""

from itertools import product
from typing import Any

import numpy as np

from apple_standin.errors import CoreMLError

Pair = tuple[int, int]


def _pair(values: Any, default: int) -> Pair:
    return (int(values[0]), int(values[1])) if len(values) else (default, default)


def _same(size: Pair, kernel: Pair, stride: Pair, *, top_left: bool) -> list[Pair]:
    borders = []
    for length, k, s in zip(size, kernel, stride, strict=True):
        total = max(0, (-(-length // s) - 1) * s + k - length)
        less, more = total // 2, total - total // 2
        borders.append((more, less) if top_left else (less, more))
    return borders


def borders_of(params: Any, size: Pair, kernel: Pair, stride: Pair) -> list[Pair]:
    """What padding adds before and after, in height and width."""
    which = params.WhichOneof("ConvolutionPaddingType" if hasattr(params, "outputChannels") else "PoolingPaddingType")
    if which == "valid":
        edges = [(int(a.startEdgeSize), int(a.endEdgeSize)) for a in params.valid.paddingAmounts.borderAmounts]
        return edges or [(0, 0), (0, 0)]
    if which == "same":
        return _same(size, kernel, stride, top_left=params.same.asymmetryMode == 1)
    if which == "includeLastPixel":
        amounts = _pair(params.includeLastPixel.paddingAmounts, 0)
        borders = []
        for length, k, s, p in zip(size, kernel, stride, amounts, strict=True):
            out = -(-(length + 2 * p - k) // s) + 1
            if max(amounts) > 0 and (out - 1) * s >= length + p:
                out -= 1
            borders.append((p, (out - 1) * s + k - length - p))
        return borders
    raise CoreMLError("Generic", "a layer has no padding")


def _slices(x: Any, offset: Pair, stride: Pair, out: Pair) -> Any:
    rows = slice(offset[0], offset[0] + (out[0] - 1) * stride[0] + 1, stride[0])
    columns = slice(offset[1], offset[1] + (out[1] - 1) * stride[1] + 1, stride[1])
    return x[:, :, rows, columns]


def _pad(x: Any, borders: list[Pair], value: float) -> Any:
    """Negative amounts, which the last pixel's rule can give, cut off."""
    added = [(0, 0), (0, 0), *[(max(a, 0), max(b, 0)) for a, b in borders]]
    padded = np.pad(x, added, constant_values=value)
    cut = [slice(max(-a, 0), length - max(-b, 0)) for (a, b), length in zip(borders, padded.shape[2:], strict=True)]
    return padded[:, :, cut[0], cut[1]]


def _unpad(dx: Any, borders: list[Pair], shape: Any) -> Any:
    if dx.shape == tuple(shape):
        return dx
    full = np.zeros(shape)
    into, out_of = [], []
    for (before, after), length, padded in zip(borders, shape[2:], dx.shape[2:], strict=True):
        into.append(slice(max(-before, 0), length - max(-after, 0)))
        out_of.append(slice(max(before, 0), padded - max(after, 0)))
    full[:, :, into[0], into[1]] = dx[:, :, out_of[0], out_of[1]]
    return full


def convolution(params: Any, xs: Any, weights: Any) -> Any:
    """Weights [outC, inC / groups, kH, kW]: by im2col, a group at a time."""
    if params.isDeconvolution:
        raise CoreMLError("Generic", "the stand-in knows no deconvolution")
    (x,) = xs
    w, groups = weights["weights"], max(1, int(params.nGroups))
    kernel, stride = (w.shape[2], w.shape[3]), _pair(params.stride, 1)
    dilation = _pair(params.dilationFactor, 1)
    reach = tuple((k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True))
    borders = borders_of(params, x.shape[2:], reach, stride)
    padded = _pad(x, borders, 0.0)
    out = tuple((length - k) // s + 1 for length, k, s in zip(padded.shape[2:], reach, stride, strict=True))
    n, positions = len(x), out[0] * out[1]
    offsets = [(i * dilation[0], j * dilation[1]) for i, j in product(range(kernel[0]), range(kernel[1]))]
    columns = np.stack([_slices(padded, offset, stride, out) for offset in offsets], axis=2)  # [N, C, k, oH, oW]
    columns = columns.reshape(n, groups, -1, positions)  # channels of a group, then the kernel's cells
    flat = w.reshape(groups, w.shape[0] // groups, -1)
    y = np.matmul(flat, columns).reshape(n, w.shape[0], *out)
    if "biases" in weights:
        y += weights["biases"][:, None, None]

    def back(dys: Any, *, to_input: bool) -> Any:
        dy = dys[0].reshape(n, groups, -1, positions)
        gradients = {"weights": np.matmul(dy, columns.swapaxes(2, 3)).sum(axis=0).reshape(w.shape)}
        if "biases" in weights:
            gradients["biases"] = dys[0].sum(axis=(0, 2, 3))
        if not to_input:
            return [None], gradients
        dcolumns = np.matmul(flat.swapaxes(1, 2), dy).reshape(n, x.shape[1], len(offsets), *out)
        dpadded = np.zeros_like(padded)
        for at, offset in enumerate(offsets):
            _slices(dpadded, offset, stride, out)[...] += dcolumns[:, :, at]
        return [_unpad(dpadded, borders, x.shape)], gradients

    return [y], back


def pooling(params: Any, xs: Any, _weights: Any) -> Any:
    """MAX and AVERAGE; a maximum's gradient goes to the first in row-major order."""
    (x,) = xs
    if params.type == 2:  # PoolingLayerParams.L2
        raise CoreMLError("Generic", "the stand-in knows no L2 pooling")
    if params.globalPooling:
        kernel, stride, borders = x.shape[2:], (1, 1), [(0, 0), (0, 0)]
    else:
        kernel, stride = _pair(params.kernelSize, 3), _pair(params.stride, 1)
        borders = borders_of(params, x.shape[2:], kernel, stride)
    of_maximum = params.type == 0
    padded = _pad(x, borders, -np.inf if of_maximum else 0.0)
    out = tuple((length - k) // s + 1 for length, k, s in zip(padded.shape[2:], kernel, stride, strict=True))
    offsets = list(product(range(kernel[0]), range(kernel[1])))
    cells = [_slices(padded, offset, stride, out) for offset in offsets]
    if of_maximum:
        y, first = cells[0].copy(), np.zeros(cells[0].shape, dtype=np.int32)
        for at, cell in enumerate(cells[1:], start=1):
            greater = cell > y
            y, first = np.where(greater, cell, y), np.where(greater, at, first)
        shares = None
    else:
        counted = _pad(np.ones((1, 1, *x.shape[2:])), borders, 0.0 if params.avgPoolExcludePadding else 1.0)
        shares = 1.0 / sum(_slices(counted, offset, stride, out) for offset in offsets)
        y = sum(cells) * shares

    def back(dys: Any, *, to_input: bool) -> Any:
        if not to_input:
            return [None], {}
        dpadded = np.zeros_like(padded)
        for at, offset in enumerate(offsets):
            given = np.where(first == at, dys[0], 0.0) if of_maximum else dys[0] * shares
            _slices(dpadded, offset, stride, out)[...] += given
        return [_unpad(dpadded, borders, x.shape)], {}

    return [y], back

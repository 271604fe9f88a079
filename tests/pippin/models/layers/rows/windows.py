"""Layers whose kernel or window slides over height and width."""

from collections.abc import Mapping
from itertools import product
from math import ceil, sqrt
from typing import Any

import numpy as np

from tests.pippin.models.layers.case import Case, Floats, Formula

SAME = {"type": "same", "mode": "bottom_right_heavy"}
SAME_TOP_LEFT = {"type": "same", "mode": "top_left_heavy"}
UNEQUAL = {"type": "valid", "borders": [[1, 2], [0, 3]]}


def halves(total: int, padding: Mapping[str, Any]) -> tuple[int, int]:
    """`SamePadding`: half of it before and half after, the odd one where the mode says."""
    less = total // 2
    return (less, total - less) if padding["mode"] == "bottom_right_heavy" else (total - less, less)


def convolution(fields: Mapping[str, Any]) -> Formula:
    (k_h, k_w), (s_h, s_w) = fields["kernel_size"], fields.get("stride", (1, 1))
    d_h, d_w = fields.get("dilation", (1, 1))
    reach = ((k_h - 1) * d_h + 1, (k_w - 1) * d_w + 1)
    padding, groups = fields.get("padding", {"type": "valid"}), fields.get("groups", 1)

    def border(axis: int, size: int, stride: int) -> tuple[int, int]:
        if padding["type"] == "valid":
            return tuple(padding.get("borders", [[0, 0], [0, 0]])[axis])
        return halves(max(0, (ceil(size / stride) - 1) * stride + reach[axis] - size), padding)

    def formula(x: Floats, weights: Floats, bias: Floats | None = None) -> Floats:
        *front, channels, height, width = x.shape
        borders = border(0, height, s_h), border(1, width, s_w)
        images = np.pad(x.reshape(-1, channels, height, width), ((0, 0), (0, 0), *borders))
        made = [(images.shape[2 + axis] - reach[axis]) // (s_h, s_w)[axis] + 1 for axis in (0, 1)]
        y = np.zeros((len(images), len(weights), *made))
        for o, h, w in np.ndindex(*y.shape[1:]):
            first = o // (len(weights) // groups) * weights.shape[1]
            for c, i, j in product(range(weights.shape[1]), range(k_h), range(k_w)):
                y[:, o, h, w] += weights[o, c, i, j] * images[:, first + c, h * s_h + i * d_h, w * s_w + j * d_w]
            y[:, o, h, w] += 0 if bias is None else bias[o]
        return y.reshape(*front, *y.shape[1:])

    return formula


def deconvolution(fields: Mapping[str, Any]) -> Formula:
    (k_h, k_w), (s_h, s_w) = fields["kernel_size"], fields.get("stride", (1, 1))
    padding, groups = fields.get("padding", {"type": "valid"}), fields.get("groups", 1)

    def kept(axis: int, size: int, kernel: int, stride: int) -> range:
        """The rows of the sum that the output has; they may go on where the sum is at its end."""
        whole = (size - 1) * stride + kernel
        if "output_shape" in fields:
            count = fields["output_shape"][axis]
            first = max(0, whole - count) // 2
        elif padding["type"] == "same":
            count = size * stride
            first = halves(max(0, whole - count), padding)[0]
        else:
            first, last = padding.get("borders", [[0, 0], [0, 0]])[axis]
            count = whole - first - last
        return range(first, first + count)

    def formula(x: Floats, weights: Floats, bias: Floats | None = None) -> Floats:
        *front, channels, height, width = x.shape
        images = x.reshape(-1, channels, height, width)
        rows, columns = kept(0, height, k_h, s_h), kept(1, width, k_w, s_w)
        y = np.zeros((len(images), weights.shape[1] * groups, len(rows), len(columns)))
        for c, h, w, o, i, j in np.ndindex(channels, height, width, weights.shape[1], k_h, k_w):
            row, column = h * s_h + i, w * s_w + j
            if row in rows and column in columns:
                out = c // (channels // groups) * weights.shape[1] + o
                y[:, out, row - rows[0], column - columns[0]] += weights[c, o, i, j] * images[:, c, h, w]
        if bias is not None:
            y += bias.reshape(-1, 1, 1)
        return y.reshape(*front, *y.shape[1:])

    return formula


def places(fields: Mapping[str, Any], axis: int, size: int) -> list[range]:
    """The cells under each position of a pooling's window, those beyond the image among them."""
    if fields.get("global_pooling"):
        return [range(size)]
    padding = fields.get("padding", {"type": "valid"})
    kernel, stride = fields["kernel_size"][axis], fields.get("stride", (1, 1))[axis]
    if padding["type"] == "same":
        count = ceil(size / stride)
        before = halves(max(0, (count - 1) * stride + kernel - size), padding)[0]
    elif padding["type"] == "include_last_pixel":
        before = padding["amounts"][axis]
        count = ceil((size + 2 * before - kernel) / stride) + 1
        if max(padding["amounts"]) > 0 and (count - 1) * stride >= size + before:
            count -= 1
    else:
        before, after = padding.get("borders", [[0, 0], [0, 0]])[axis]
        count = (size + before + after - kernel) // stride + 1
    return [range(place * stride - before, place * stride - before + kernel) for place in range(count)]


def pooling(fields: Mapping[str, Any]) -> Formula:
    def pooled(cells: Floats, area: int) -> Floats:
        if fields["pooling_type"] == "max":
            return np.array([max(numbers) for numbers in cells])
        if fields["pooling_type"] == "l2":
            return np.array([sqrt(sum(number * number for number in numbers)) for numbers in cells])
        count = len(cells[0]) if fields.get("avg_pool_exclude_padding", True) else area
        return np.array([sum(numbers) / count for numbers in cells])

    def formula(x: Floats) -> Floats:
        *front, height, width = x.shape
        images = x.reshape(-1, height, width)
        down, across = places(fields, 0, height), places(fields, 1, width)
        y = np.zeros((len(images), len(down), len(across)))
        for (h, rows), (w, columns) in product(enumerate(down), enumerate(across)):
            own = [(i, j) for i in rows if 0 <= i < height for j in columns if 0 <= j < width]
            cells = np.stack([images[:, i, j] for i, j in own], axis=-1)
            y[:, h, w] = pooled(cells, len(rows) * len(columns))
        return y.reshape(*front, *y.shape[1:])

    return formula


KERNEL = {"output_channels": 4, "kernel_size": [3, 2]}


def convolving(name: str, fields: Mapping[str, Any], shape: list[int], mapping: str = "rank5") -> Case:
    fields = {**KERNEL, **fields}
    return Case(name, {"type": "convolution", **fields}, [shape], convolution(fields), mapping=mapping)


def deconvolving(name: str, fields: Mapping[str, Any], shape: list[int], mapping: str = "rank5") -> Case:
    fields = {**KERNEL, **fields}
    return Case(name, {"type": "deconvolution", **fields}, [shape], deconvolution(fields), mapping=mapping)


def pooled(name: str, fields: Mapping[str, Any], shape: list[int], mapping: str = "rank5") -> Case:
    return Case(name, {"type": "pooling", **fields}, [shape], pooling(fields), mapping=mapping)


KERNELS = np.arange(12).reshape(1, 2, 3, 2).tolist()


def last_pixel(*amounts: int) -> dict[str, Any]:
    return {"type": "include_last_pixel", "amounts": list(amounts)}


# Odd sizes, so that rows and columns are left over.
PADDED_POOLINGS: dict[str, dict[str, Any]] = {
    "valid": {"kernel_size": [3, 2], "stride": [2, 3]},
    "with gaps": {"kernel_size": [1, 2], "stride": [2, 3]},
    "with borders": {"kernel_size": [3, 4], "stride": [2, 2], "padding": UNEQUAL},
    "same": {"kernel_size": [4, 3], "stride": [2, 3], "padding": SAME},
    "same, top left": {"kernel_size": [4, 3], "stride": [2, 3], "padding": SAME_TOP_LEFT},
    "including the last pixel": {"kernel_size": [3, 3], "stride": [3, 2], "padding": last_pixel(0, 0)},
    "including the last pixel, with borders": {"kernel_size": [3, 2], "stride": [2, 2], "padding": last_pixel(1, 0)},
    # Counted alone, the last window across would begin beyond the border.
    "including the last pixel, one window less": {"kernel_size": [2, 2], "stride": [3, 3], "padding": last_pixel(1, 1)},
}

CASES = [
    convolving("of few channels", {}, [2, 6, 5]),
    convolving("of many channels", {}, [6, 6, 5]),
    convolving("without bias", {"has_bias": False}, [3, 6, 5]),
    convolving("with a kernel as large as the image", {"kernel_size": [5, 4]}, [3, 5, 4]),
    convolving("of one pixel", {"kernel_size": [1, 1]}, [3, 2, 3]),
    convolving("with strides", {"stride": [2, 3]}, [3, 8, 9]),
    convolving("with dilation", {"dilation": [2, 3]}, [3, 9, 8]),
    convolving(
        "with a large kernel",
        {"kernel_size": [13, 11], "stride": [2, 1], "dilation": [1, 2], "output_channels": 2, "padding": UNEQUAL},
        [2, 14, 20],
    ),
    convolving(
        "with a large kernel and groups", {"kernel_size": [13, 11], "groups": 2, "output_channels": 2}, [4, 14, 12]
    ),
    convolving("with groups", {"groups": 2, "kernel_channels": 3}, [6, 6, 5]),
    convolving("with two outputs for each channel", {"groups": 3, "output_channels": 6}, [3, 6, 5]),
    convolving("with borders", {"padding": UNEQUAL}, [3, 6, 5]),
    convolving("same", {"padding": SAME, "stride": [2, 1], "kernel_size": [4, 2]}, [3, 7, 6]),
    convolving("same, top left", {"padding": SAME_TOP_LEFT, "stride": [2, 1], "kernel_size": [4, 2]}, [3, 7, 6]),
    convolving("with all at once", {"padding": SAME, "stride": [2, 3], "dilation": [2, 1], "groups": 2}, [6, 9, 7]),
    convolving("given", {"output_channels": 1, "weights": KERNELS, "bias": [0.5]}, [2, 4, 3]),
    convolving("of a sequence", {}, [2, 1, 3, 6, 5], mapping="exact"),
    convolving("of rank 4", {"padding": SAME}, [2, 3, 6, 5], mapping="exact"),
    deconvolving("", {}, [3, 4, 3]),
    deconvolving("without bias", {"has_bias": False}, [3, 4, 3]),
    deconvolving("of one pixel", {"stride": [2, 2]}, [3, 1, 1]),
    deconvolving("with a stride as large as the kernel", {"stride": [3, 2]}, [3, 4, 3]),
    deconvolving("with overlaps", {"stride": [2, 1], "kernel_size": [5, 3]}, [3, 4, 3]),
    deconvolving(
        "with a large kernel", {"kernel_size": [13, 11], "groups": 2, "output_channels": 2, "padding": SAME}, [2, 3, 4]
    ),
    deconvolving("with gaps", {"stride": [4, 3]}, [3, 4, 3]),
    deconvolving("with groups", {"groups": 2, "stride": [2, 2], "output_channels": 6}, [4, 4, 3]),
    deconvolving("with one channel a group", {"groups": 4, "kernel_channels": 4}, [4, 4, 3]),
    deconvolving("with borders", {"stride": [2, 3], "kernel_size": [5, 4], "padding": UNEQUAL}, [3, 4, 3]),
    deconvolving(
        "with borders of more than a stride",
        {"stride": [2, 1], "padding": {"type": "valid", "borders": [[3, 1], [2, 1]]}},
        [3, 5, 6],
    ),
    deconvolving("same", {"stride": [2, 1], "kernel_size": [5, 4], "padding": SAME}, [3, 4, 3]),
    deconvolving("same, top left", {"stride": [2, 1], "kernel_size": [5, 4], "padding": SAME_TOP_LEFT}, [3, 4, 3]),
    deconvolving("same, with gaps", {"stride": [4, 3], "padding": SAME}, [3, 2, 3]),
    deconvolving("same, top left, with gaps", {"stride": [4, 3], "padding": SAME_TOP_LEFT}, [3, 2, 3]),
    deconvolving(
        "of an output shape smaller by even numbers",
        {"stride": [2, 2], "kernel_size": [4, 3], "output_shape": [8, 5], "padding": UNEQUAL},
        [3, 4, 3],
    ),
    deconvolving(
        "of an output shape smaller by odd numbers",
        {"stride": [2, 2], "kernel_size": [4, 3], "output_shape": [7, 4], "padding": UNEQUAL},
        [3, 4, 3],
    ),
    deconvolving("of a larger output shape", {"stride": [2, 3], "output_shape": [11, 9], "padding": SAME}, [3, 4, 3]),
    deconvolving("given", {"output_channels": 2, "weights": KERNELS, "bias": [0.5, -0.5]}, [1, 4, 3]),
    deconvolving("of a sequence", {"stride": [2, 2]}, [2, 1, 3, 4, 3], mapping="exact"),
    deconvolving("of rank 4", {"stride": [2, 2], "padding": SAME}, [2, 3, 4, 3], mapping="exact"),
    *(
        pooled(f"{kind} {name}", {"pooling_type": kind} | fields, [2, 7, 6])
        for kind in ("max", "average", "l2")
        for name, fields in PADDED_POOLINGS.items()
    ),
    *(
        pooled(
            f"average {name}, padding included",
            {"pooling_type": "average", "avg_pool_exclude_padding": False} | PADDED_POOLINGS[name],
            [2, 7, 6],
        )
        for name in PADDED_POOLINGS
        if name not in ("with gaps", "including the last pixel, one window less")
    ),
    *(
        pooled(f"{kind} global", {"pooling_type": kind, "global_pooling": True}, [2, 5, 4])
        for kind in ("max", "average", "l2")
    ),
    pooled(
        "global, its other fields ignored",
        {"pooling_type": "max", "global_pooling": True, "stride": [2, 2], "padding": SAME, "kernel_size": [9, 9]},
        [2, 5, 4],
    ),
    *(
        pooled(
            f"{kind} with a large window",
            {"pooling_type": kind, "kernel_size": [9, 11], "stride": [2, 3], "padding": UNEQUAL},
            [2, 11, 20],
        )
        for kind in ("max", "average", "l2")
    ),
    pooled("of a sequence", {"pooling_type": "max", "kernel_size": [2, 2]}, [3, 1, 2, 4, 4], mapping="exact"),
    pooled("of rank 4", {"pooling_type": "average", "kernel_size": [2, 3]}, [3, 2, 4, 4], mapping="exact"),
    pooled("global of rank 4", {"pooling_type": "l2", "global_pooling": True}, [3, 2, 4, 4], mapping="exact"),
]

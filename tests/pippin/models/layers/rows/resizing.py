"""Layers that make images of another size."""

from collections.abc import Mapping, Sequence
from math import floor
from typing import Any

import numpy as np

from tests.pippin.models.layers.case import Case, Floats, Formula, of_ranks

RANKS = ([2, 2, 3], [2, 1, 2, 3], [2, 1, 2, 2, 3])
METHODS = ("strict_align_endpoints", "align_endpoints", "upsample", "roi_align")


def sampled_interval(method: str, first: float, last: float, count: int) -> Floats:
    """`SamplingMode.Method`, of an interval that begins at `first` instead of 0 and ends at `last` instead of X - 1."""
    length = last - first + 1
    if method == "strict_align_endpoints":
        return np.linspace(first, last, count)
    if method == "align_endpoints":
        return np.linspace(first, last, count) if count > 1 else np.array([(first + last) / 2])
    if method == "upsample":
        return np.minimum(last, np.linspace(first, first + length - length / count, count))
    spacing = max(1, length - 1) / count
    start = first + 0.5 * spacing
    return np.minimum(last, np.linspace(start, start + (count - 1) * spacing, count))


def upsampled_axis(mode: str, size: int, count: int) -> list[float]:
    """`UpsampleLayerParams.LinearUpsampleMode`; with one place, the spacing between places does not matter."""
    found = []
    for i in range(count):
        if mode == "align_corners_false":
            spacing = size / count
            place = i * spacing + 0.5 * spacing - 0.5
        elif count == 1:
            place = 0.0
        else:
            numerator = size - size / count if mode == "default" else size - 1
            place = i * numerator / (count - 1)
        found.append(min(size - 1, max(0, place)))
    return found


def interpolated(image: Floats, rows: Sequence[float] | Floats, columns: Sequence[float] | Floats) -> Floats:
    """[..., H, W] at rows and columns between its own: each cell counts for 1 less its distance, or for 0."""
    *front, height, width = image.shape
    y = np.zeros((*front, len(rows), len(columns)))
    for (i, row), (j, column) in ((one, other) for one in enumerate(rows) for other in enumerate(columns)):
        for h, w in np.ndindex(height, width):
            y[..., i, j] += max(0, 1 - abs(row - h)) * max(0, 1 - abs(column - w)) * image[..., h, w]
    return y


def upsampled(layer: Mapping[str, Any]) -> Formula:
    factors = layer.get("fractional_scaling_factor") or layer.get("scaling_factor") or [1, 1]

    def formula(x: Floats) -> Floats:
        size = [floor(length * factor) for length, factor in zip(x.shape[-2:], factors, strict=True)]
        if layer.get("mode", "nearest") == "nearest":
            y = np.zeros((*x.shape[:-2], *size))
            for h, w in np.ndindex(*size):
                y[..., h, w] = x[..., h // factors[0], w // factors[1]]
            return y
        mode = layer.get("linear_upsample_mode", "default")
        rows, columns = (upsampled_axis(mode, length, count) for length, count in zip(x.shape[-2:], size, strict=True))
        return interpolated(x, rows, columns)

    return formula


def resized(method: str, size: Sequence[int]) -> Formula:
    def formula(x: Floats) -> Floats:
        rows, columns = (
            sampled_interval(method, 0, length - 1, count) for length, count in zip(x.shape[-2:], size, strict=True)
        )
        return interpolated(x, rows, columns)

    return formula


def corners(box: Floats, mode: str) -> tuple[tuple[float, float], tuple[float, float]]:
    """((first row, last row), (first column, last column)) of four coordinates."""
    one, two, three, four = (float(number) for number in box)
    if mode == "corners_height_first":
        return (one, three), (two, four)
    if mode == "corners_width_first":
        return (two, four), (one, three)
    if mode == "center_size_height_first":
        return (one - three / 2, one + three / 2), (two - four / 2, two + four / 2)
    return (two - four / 2, two + four / 2), (one - three / 2, one + three / 2)


def crop_resized(layer: Mapping[str, Any], coordinates: int = 4) -> Formula:
    method = layer.get("sampling_method", "strict_align_endpoints")
    mode = layer.get("box_mode", "corners_height_first")

    def places(ends: tuple[float, float], size: int, count: int) -> Floats:
        unit = layer.get("spatial_scale", 1.0) * (size - 1 if layer.get("normalized_coordinates") else 1)
        return np.clip(sampled_interval(method, ends[0] * unit, ends[1] * unit, count), 0, size - 1)

    def formula(x: Floats, boxes: Floats) -> Floats:
        examples, _, batch, channels, height, width = x.shape
        listed = boxes.reshape(examples, -1, coordinates)
        y = np.zeros((examples, listed.shape[1], batch, channels, *layer["target_size"]))
        for example, number in np.ndindex(*listed.shape[:2]):
            rows, columns = corners(listed[example, number, -4:], mode)
            y[example, number] = interpolated(
                x[example, 0],
                places(rows, height, layer["target_size"][0]),
                places(columns, width, layer["target_size"][1]),
            )
        return y

    return formula


def upsample(**fields: Any) -> dict[str, Any]:  # noqa: ANN401 - fields have many types
    return {"type": "upsample"} | fields


def resize(method: str, size: Sequence[int]) -> dict[str, Any]:
    return {"type": "resize_bilinear", "target_size": list(size), "sampling_method": method}


def crop_resize(**fields: Any) -> dict[str, Any]:  # noqa: ANN401 - fields have many types
    return {"type": "crop_resize", "target_size": [3, 4]} | fields


UPSAMPLES: Sequence[tuple[list[int], dict[str, Any]]] = (
    ([2, 3, 4], upsample(scaling_factor=[2, 3])),
    ([2, 3, 4], upsample()),
    ([5], upsample(scaling_factor=[3, 2])),
    ([2, 3, 4], upsample(scaling_factor=[2, 3], mode="bilinear")),
    ([2, 3, 4], upsample(scaling_factor=[1, 1], mode="bilinear")),
    ([2, 1, 1], upsample(scaling_factor=[1, 3], mode="bilinear")),
    *(
        ([2, *size], upsample(mode="bilinear", linear_upsample_mode=mode) | factor)
        for mode in ("align_corners_true", "align_corners_false")
        for size, factor in (
            ([3, 4], {"scaling_factor": [2, 3]}),
            ([3, 4], {"fractional_scaling_factor": [1.5, 2.6]}),
            ([5, 6], {"fractional_scaling_factor": [0.7, 0.5]}),
            ([4, 3], {"fractional_scaling_factor": [0.3, 0.34]}),
            ([1, 1], {"scaling_factor": [1, 2]}),
        )
    ),
)

SIZES = (([3, 4], [6, 7]), ([5, 6], [2, 4]), ([4, 5], [1, 1]), ([1, 1], [2, 3]), ([3, 4], [3, 4]))

BOXES: Sequence[dict[str, Any]] = (
    *(crop_resize(sampling_method=method) for method in METHODS),
    *(crop_resize(sampling_method=method, target_size=[1, 1]) for method in METHODS),
    *(
        crop_resize(box_mode=mode, sampling_method="align_endpoints")
        for mode in ("corners_width_first", "center_size_height_first", "center_size_width_first")
    ),
    crop_resize(spatial_scale=0.5, sampling_method="roi_align", target_size=[4, 2]),
)


def named(layer: Mapping[str, Any]) -> str:
    return " ".join(str(value) for key, value in layer.items() if key != "type")


def cropping(
    name: str,
    layer: dict[str, Any],
    image: Sequence[int] = (1, 1, 2, 5, 6),
    boxes: Sequence[int] = (2, 1, 4, 1, 1),
    *,
    low: float = 0.0,
    high: float = 4.5,
) -> Case:
    formula = crop_resized(layer, coordinates=boxes[2])
    return Case(name, layer, [image, boxes], formula, low=low, high=high, mapping="exact")


CASES = [
    *(
        Case(
            f"{shape} {named(layer)}",
            layer,
            [shape],
            upsampled(layer),
            # What came with version 5 goes with no other mapping.
            mapping="exact" if "linear_upsample_mode" in layer else "rank5",
            version=5,
        )
        for shape, layer in UPSAMPLES
    ),
    *(
        row
        for layer in (upsample(scaling_factor=[2, 3]), upsample(scaling_factor=[2, 3], mode="bilinear"))
        for row in of_ranks(layer, upsampled(layer), *RANKS, name=named(layer))
    ),
    Case(
        "bilinear as Core ML was seen to do it",
        upsample(scaling_factor=[1, 3], mode="bilinear"),
        [[1, 1, 3]],
        lambda x: (
            x @ np.array([[3, 2, 1, 0, 0, 0, 0, 0, 0], [0, 1, 2, 3, 2, 1, 0, 0, 0], [0, 0, 0, 0, 1, 2, 3, 3, 3]]) / 3
        ),
    ),
    *(
        Case(f"{method} {size} to {target}", resize(method, target), [[2, *size]], resized(method, target))
        for method in METHODS
        for size, target in SIZES
    ),
    *of_ranks(resize("upsample", [3, 5]), resized("upsample", [3, 5]), *RANKS),
    *(cropping(named(layer), layer) for layer in BOXES),
    *(
        cropping(
            f"normalized {method}", crop_resize(normalized_coordinates=True, sampling_method=method), low=0.0, high=1.0
        )
        for method in ("strict_align_endpoints", "roi_align")
    ),
    cropping(
        "of boxes beyond the image", crop_resize(), image=[1, 1, 2, 3, 4], boxes=[3, 1, 4, 1, 1], low=-4.0, high=8.0
    ),
    cropping(
        "of an image of one cell",
        crop_resize(normalized_coordinates=True),
        image=[1, 1, 2, 1, 1],
        low=-2.0,
        high=2.0,
    ),
    cropping("of several images", crop_resize(), image=[1, 2, 3, 5, 6], boxes=[3, 1, 4, 1, 1]),
    cropping("of five coordinates", crop_resize(), boxes=[2, 1, 5, 1, 1]),
    Case(
        "of boxes from a vector",
        crop_resize(),
        [[2, 5, 6], [8]],
        crop_resized(crop_resize()),
        low=0.0,
        high=4.5,
        more={
            "layers": [
                {"type": "reshape", "name": "boxes", "input": "x1", "target_shape": [2, 4, 1, 1]},
                crop_resize(name="layer", input=["x0", "boxes"], output="y0"),
                {"type": "inner_product", "name": "head", "input": "y0", "output_channels": 2, "updatable": True},
            ]
        },
    ),
]

"""Layers that take a part of an image, or add to it at the borders."""

from collections.abc import Callable, Sequence

import numpy as np

from tests.pippin.models.layers.case import Case, Floats, Formula, of_ranks

# The examples in the comment of `PaddingLayerParams`; the numbers of the input count from 1.
REFLECTION = [
    [11, 10, 9, 10, 11, 12],
    [7, 6, 5, 6, 7, 8],
    [3, 2, 1, 2, 3, 4],
    [7, 6, 5, 6, 7, 8],
    [11, 10, 9, 10, 11, 12],
]
REPLICATION = [[1, 1, 1, 2, 3, 4], [1, 1, 1, 2, 3, 4], [1, 1, 1, 2, 3, 4], [5, 5, 5, 6, 7, 8], [9, 9, 9, 10, 11, 12]]

BORDERS = [[1, 1], [0, 2]]
AXES = {"channel": -3, "height": -2, "width": -1}


def taken(axis: str, places: Sequence[int]) -> Formula:
    """The entries at `places` of the axis."""
    return lambda x: np.stack([np.moveaxis(x, AXES[axis], 0)[place] for place in places], axis=AXES[axis])


def cropped(top: int, left: int, height: int, width: int) -> Formula:
    def formula(*blobs: Floats) -> Floats:
        y = np.zeros((*blobs[0].shape[:-2], height, width))
        for h, w in np.ndindex(height, width):
            y[..., h, w] = blobs[0][..., top + h, left + w]
        return y

    return formula


def mirrored(place: int, length: int) -> int:
    if place < 0:
        return -place
    return place if place < length else 2 * (length - 1) - place


def repeated(place: int, length: int) -> int:
    return min(max(place, 0), length - 1)


def padded(borders: Sequence[Sequence[int]], inner: Callable[[int, int], int] | float) -> Formula:
    """With a number at the borders, or with the row and column that `inner` says."""
    (top, bottom), (left, right) = borders

    def formula(x: Floats) -> Floats:
        *front, height, width = x.shape
        y = np.zeros((*front, top + height + bottom, left + width + right))
        for i, j in np.ndindex(*y.shape[-2:]):
            h, w = i - top, j - left
            if callable(inner):
                y[..., i, j] = x[..., inner(h, height), inner(w, width)]
            else:
                y[..., i, j] = x[..., h, w] if 0 <= h < height and 0 <= w < width else inner
        return y

    return formula


def looked_up(example: Sequence[Sequence[int]]) -> Formula:
    return lambda x: x.reshape(len(x), -1)[:, np.array(example) - 1][:, np.newaxis, np.newaxis, np.newaxis]


INNER: dict[str, Callable[[int, int], int] | float] = {"constant": 1.5, "reflection": mirrored, "replication": repeated}


def padding(kind: str, borders: list[list[int]]) -> dict[str, object]:
    fields: dict[str, object] = {"type": "padding", "padding_type": kind, "borders": borders}
    return fields | {"value": 1.5} if kind == "constant" else fields


CASES = [
    *(
        Case(f"{axis} {fields}", {"type": "slice", "axis": axis} | fields, [[7, 7, 7]], taken(axis, places))
        for axis, fields, places in (
            ("channel", {"start_index": 2, "end_index": 7}, [2, 3, 4, 5, 6]),
            ("channel", {"start_index": 1, "end_index": 6, "stride": 2}, [1, 3, 5]),
            ("channel", {"start_index": -4, "end_index": -2}, [3, 4]),
            ("height", {"start_index": 1, "end_index": 7, "stride": 4}, [1, 5]),
            ("height", {"start_index": 2, "end_index": -1}, [2, 3, 4, 5]),
            ("height", {"start_index": -3, "end_index": 6}, [4, 5]),
            ("width", {"end_index": 3}, [0, 1, 2]),
            ("width", {"start_index": -3, "end_index": 0}, [4, 5, 6]),
            ("width", {"start_index": 3, "end_index": 0, "stride": 3}, [3, 6]),
            ("width", {"start_index": 6, "end_index": 7, "stride": 9}, [6]),
        )
    ),
    *(
        row
        for axis, shapes in (
            ("width", ([4], [2, 4], [2, 1, 2, 2, 4])),
            ("height", ([4, 2], [2, 4, 3])),
            ("channel", ([4, 2, 3], [2, 4, 2, 3])),
        )
        for row in of_ranks(
            {"type": "slice", "axis": axis, "start_index": 1, "end_index": 3}, taken(axis, [1, 2]), *shapes, name=axis
        )
    ),
    Case("by borders", {"type": "crop", "borders": [[1, 2], [0, 3]]}, [[2, 5, 6]], cropped(1, 0, 2, 3)),
    Case("by no borders", {"type": "crop", "borders": [[0, 0], [0, 0]]}, [[2, 5, 6]], cropped(0, 0, 5, 6)),
    Case("to a size", {"type": "crop", "offset": [1, 2]}, [[2, 5, 6], [3, 3, 4]], cropped(1, 2, 3, 4)),
    Case(
        "to its own size",
        {"type": "crop", "offset": [0, 0], "borders": [[1, 1], [1, 1]]},
        [[2, 5, 6], [2, 5, 6]],
        cropped(0, 0, 5, 6),
    ),
    *of_ranks(
        {"type": "crop", "borders": [[1, 0], [2, 1]]}, cropped(1, 2, 2, 2), [2, 3, 5], [2, 2, 3, 5], [2, 1, 2, 3, 5]
    ),
    Case(
        "to the size of a blob of rank 4",
        {"type": "crop", "offset": [1, 0]},
        [[2, 2, 4, 3], [1, 1, 2, 2]],
        cropped(1, 0, 2, 2),
        mapping="exact",
    ),
    *(
        Case(f"{kind} {borders}", padding(kind, borders), [[2, 4, 5]], padded(borders, inner))
        for kind, inner in INNER.items()
        for borders in ([[0, 0], [0, 0]], [[1, 2], [3, 0]], [[3, 3], [4, 4]])
    ),
    Case("constant of a vector", padding("constant", [[1, 0], [0, 2]]), [[3]], padded([[1, 0], [0, 2]], 1.5)),
    *(
        row
        for kind, inner in INNER.items()
        for row in of_ranks(
            padding(kind, BORDERS), padded(BORDERS, inner), [2, 3], [2, 2, 3], [2, 2, 2, 3], [2, 1, 2, 2, 3], name=kind
        )
    ),
    *(
        Case(f"{kind} of the format's example", padding(kind, [[2, 0], [2, 0]]), [[1, 3, 4]], looked_up(example))
        for kind, example in (("reflection", REFLECTION), ("replication", REPLICATION))
    ),
]

"""Layers that put the same numbers elsewhere."""

from collections.abc import Sequence

import numpy as np

from tests.pippin.models.layers.case import Case, Floats, Formula, of_ranks

# Where sequence, C, H and W stand in [N, sequence, batch, C, H, W].
PLACES = (1, 3, 4, 5)

# The example in the comment of `ReorganizeDataLayerParams`, channel by channel. The numbers of its input count from 1.
DEPTH_TO_SPACE = [[[1, 5, 2, 6], [9, 13, 10, 14]], [[3, 7, 4, 8], [11, 15, 12, 16]]]
PIXEL_SHUFFLE = [[[1, 3, 2, 4], [5, 7, 6, 8]], [[9, 11, 10, 12], [13, 15, 14, 16]]]


def permuted(axis: Sequence[int]) -> Formula:
    def formula(x: Floats) -> Floats:
        lengths = [x.shape[PLACES[each]] for each in axis]
        y = np.zeros((x.shape[0], lengths[0], x.shape[2], *lengths[1:]))
        for places in np.ndindex(*lengths):
            source = dict(zip(axis, places, strict=True))
            y[:, places[0], :, places[1], places[2], places[3]] = x[:, source[0], :, source[1], source[2], source[3]]
        return y

    return formula


def in_order(shape: Sequence[int], mode: str) -> list[tuple[int, int, int, int]]:
    """Every place in [sequence, C, H, W], in the order in which `mode` goes through them."""
    sequence, channels, height, width = shape
    if mode == "channel_first":
        return list(np.ndindex(sequence, channels, height, width))
    return [(s, c, h, w) for s, h, w, c in np.ndindex(sequence, height, width, channels)]


def reshaped(target: Sequence[int], mode: str) -> Formula:
    def formula(x: Floats) -> Floats:
        examples, sequence, batch, *image = x.shape
        made = list(target) if len(target) == 4 else [sequence, *target]
        y = np.zeros((examples, made[0], batch, *made[1:]))
        for (s, c, h, w), (t, d, i, j) in zip(in_order([sequence, *image], mode), in_order(made, mode), strict=True):
            y[:, t, :, d, i, j] = x[:, s, :, c, h, w]
        return y

    return formula


def one_after_the_other(axis: int) -> Formula:
    def formula(*blobs: Floats) -> Floats:
        shape = list(blobs[0].shape)
        shape[axis] = sum(blob.shape[axis] for blob in blobs)
        y = np.moveaxis(np.zeros(shape), axis, 0)
        free = 0
        for blob in blobs:
            for entry in np.moveaxis(blob, axis, 0):
                y[free] = entry
                free += 1
        return np.moveaxis(y, 0, axis)

    return formula


def parts(count: int) -> Formula:
    def formula(x: Floats) -> tuple[Floats, ...]:
        each = x.shape[-3] // count
        return tuple(x[..., part * each : (part + 1) * each, :, :] for part in range(count))

    return formula


def repeated(times: int) -> Formula:
    def formula(x: Floats) -> Floats:
        return np.stack([x[:, place % x.shape[1]] for place in range(times * x.shape[1])], axis=1)

    return formula


def reorganized(mode: str, block: int) -> Formula:
    def formula(x: Floats) -> Floats:
        *front, channels, height, width = x.shape
        area = block * block
        if mode == "space_to_depth":
            y = np.zeros((*front, channels * area, height // block, width // block))
            for c, h, w in np.ndindex(channels, height, width):
                within = h % block * block + w % block
                y[..., within * channels + c, h // block, w // block] = x[..., c, h, w]
            return y
        made = channels // area
        y = np.zeros((*front, made, height * block, width * block))
        for c, h, w, i, j in np.ndindex(made, height, width, block, block):
            within = i * block + j
            source = within * made + c if mode == "depth_to_space" else c * area + within
            y[..., c, h * block + i, w * block + j] = x[..., source, h, w]
        return y

    return formula


def reorganizing(mode: str, block: int = 2) -> dict[str, object]:
    return {"type": "reorganize_data", "mode": mode, "block_size": block}


def looked_up(example: Sequence[object]) -> Formula:
    """The numbers of `example` are places in the input's order, the first being 1."""
    places = np.array(example) - 1

    def formula(x: Floats) -> Floats:
        return x.reshape(len(x), -1)[:, places][:, np.newaxis, np.newaxis]

    return formula


CASES = [
    *(
        Case(f"{axis} of {shape}", {"type": "permute", "axis": axis}, [shape], permuted(axis), mapping=mapping)
        for axis, shape, mapping in (
            ([0, 1, 2, 3], [2, 3, 4], "rank5"),
            ([0, 3, 1, 2], [2, 3, 4], "rank5"),
            ([0, 2, 3, 1], [2, 3, 4], "rank5"),
            ([0, 3, 2, 1], [2, 3, 4], "rank5"),
            ([3, 1, 2, 0], [2, 3, 4], "rank5"),
            ([1, 0, 2, 3], [7], "rank5"),
            ([2, 0, 3, 1], [2, 1, 3, 4, 5], "exact"),
            ([3, 1, 2, 0], [2, 3, 2, 3, 4], "exact"),
        )
    ),
    *(
        Case(
            f"{mode} {shape} to {target}",
            {"type": "reshape", "target_shape": target, "mode": mode},
            [shape],
            reshaped(target, mode),
            mapping=mapping,
        )
        for mode in ("channel_first", "channel_last")
        for shape, target, mapping in (
            ([3, 4, 5], [5, 4, 3], "rank5"),
            ([3, 4, 5], [10, 6, 1], "rank5"),
            ([12], [3, 2, 2], "rank5"),
            ([3, 4, 5], [3, 2, 5, 2], "rank5"),
            ([2, 1, 3, 4, 2], [2, 3, 4], "exact"),
            ([2, 1, 3, 4, 2], [6, 2, 2, 2], "exact"),
            ([2, 2, 3, 4, 2], [4, 3, 2, 2], "exact"),
        )
    ),
    Case("of channels", {"type": "concat"}, [[2, 3, 4], [1, 3, 4], [3, 3, 4]], one_after_the_other(-3)),
    Case("of vectors", {"type": "concat"}, [[2], [5]], one_after_the_other(-3)),
    Case("of sequences", {"type": "concat", "sequence_concat": True}, [[2, 3, 4], [2, 3, 4]], one_after_the_other(1)),
    Case(
        "of sequences of several lengths",
        {"type": "concat", "sequence_concat": True},
        [[2, 1, 3, 2, 2], [3, 1, 3, 2, 2]],
        one_after_the_other(1),
        mapping="exact",
    ),
    *(
        Case(f"of rank {len(one)}", {"type": "concat"}, [one, other], one_after_the_other(-3), mapping="exact")
        for one, other in (
            ([2, 3, 4], [3, 3, 4]),
            ([2, 2, 3, 4], [2, 3, 3, 4]),
            ([2, 1, 2, 3, 4], [2, 1, 3, 3, 4]),
        )
    ),
    Case("in two", {"type": "split"}, [[4, 3, 2]], parts(2), outputs=2),
    Case("in three, of a vector", {"type": "split", "n_outputs": 3}, [[6]], parts(3), outputs=3),
    *of_ranks({"type": "split"}, parts(2), [4, 3, 2], [2, 4, 3, 2], [2, 1, 4, 3, 2], outputs=2),
    Case("once", {"type": "sequence_repeat"}, [[2, 3, 4]], repeated(1)),
    Case("of one", {"type": "sequence_repeat", "n_repetitions": 3}, [[2, 3, 4]], repeated(3)),
    Case("of two", {"type": "sequence_repeat", "n_repetitions": 3}, [[2, 2, 2, 1, 3]], repeated(3), mapping="exact"),
    *(
        Case(
            f"{mode} in blocks of {block}",
            reorganizing(mode, block),
            [[2, block * 2, block * 3] if mode == "space_to_depth" else [block * block * 2, 2, 3]],
            reorganized(mode, block),
            mapping="exact" if mode == "pixel_shuffle" else "rank5",
            version=5,
        )
        for mode in ("space_to_depth", "depth_to_space", "pixel_shuffle")
        for block in (2, 3)
    ),
    *(
        row
        for mode in ("space_to_depth", "depth_to_space", "pixel_shuffle")
        for row in of_ranks(
            reorganizing(mode), reorganized(mode, 2), [4, 4, 2], [3, 4, 4, 2], [2, 1, 4, 4, 2], name=mode, version=5
        )
    ),
    Case(
        "depth_to_space of the format's example", reorganizing("depth_to_space"), [[8, 1, 2]], looked_up(DEPTH_TO_SPACE)
    ),
    Case(
        "pixel_shuffle of the format's example",
        reorganizing("pixel_shuffle"),
        [[1, 1, 8, 1, 2]],
        looked_up(PIXEL_SHUFFLE),
        mapping="exact",
        version=5,
    ),
    Case(
        "space_to_depth of the format's example",
        reorganizing("space_to_depth"),
        [[2, 2, 4]],
        # What depth_to_space put in place p came from place DEPTH_TO_SPACE[p], and goes back there.
        looked_up((np.argsort(np.ravel(DEPTH_TO_SPACE)) + 1).reshape(8, 1, 2).tolist()),
    ),
]

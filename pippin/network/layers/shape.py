"""Layers that rearrange numbers: flatten, reshape, permute, reorganize, repeat, concatenate, split."""

from pippin.models.spec.layers.shape import Concat, Flatten, Permute, ReorganizeData, Reshape, SequenceRepeat, Split
from pippin.network.arrays import Array, to_channels_first, to_channels_last, to_vectors
from pippin.network.step import Step, in_file_order, over_images


@over_images
def flatten(step: Step[Flatten], x: Array) -> Array:
    """[N, H, W, C] -> [N, 1, 1, C*H*W] (`FlattenLayerParams`, version 1).

    channel_first: y[(c*H + h)*W + w] = x[h, w, c]. channel_last: y[(h*W + w)*C + c] = x[h, w, c].
    """
    flat = to_vectors(to_channels_first(x, step.xp) if step.layer.mode == "channel_first" else x)
    return flat.reshape(x.shape[0], 1, 1, -1)


def reshape(step: Step[Reshape], x: Array) -> Array:
    """[N, Seq, B, H, W, C] -> [N, Seq', B, H', W', C'] (`ReshapeLayerParams`, version 1).

    The n-th number of the input becomes the n-th of the output, counted in the order Seq, C, H, W for channel_first and
    Seq, H, W, C for channel_last. Each entry of the axis B is reshaped separately.
    """
    xp, is_first = step.xp, step.layer.mode == "channel_first"
    sequence, channels, height, width = step.layer.target(x.shape[1])
    image = (channels, height, width) if is_first else (height, width, channels)
    ordered = xp.moveaxis(to_channels_first(x, xp) if is_first else x, 2, 1)
    y = xp.moveaxis(ordered.reshape(*ordered.shape[:2], sequence, *image), 1, 2)
    return to_channels_last(y, xp) if is_first else y


@in_file_order
def permute(step: Step[Permute], x: Array) -> Array:
    """Reorder: [N, Seq, B, C, H, W] -> the same with all axes except N and B in the order of `axis`.

    Axis k of the output is axis `axis[k]` of the input, without counting N and B (`PermuteLayerParams`, version 1).
    """
    return step.xp.transpose(x, (0, *(place + 1 for place in step.layer.order)))


@over_images
def reorganize_data(step: Step[ReorganizeData], x: Array) -> Array:
    """[N, H, W, C] -> [N, H', W', C'] in blocks of b x b (`ReorganizeDataLayerParams`, version 1, pixel_shuffle 5).

    space_to_depth: y[h, w, (i*b + j)*C + c] = x[h*b + i, w*b + j, c].
    depth_to_space: y[h*b + i, w*b + j, c] = x[h, w, (i*b + j)*C' + c].
    pixel_shuffle: y[h*b + i, w*b + j, c] = x[h, w, c*b*b + i*b + j].
    """
    xp, block = step.xp, step.layer.block_size
    count, height, width, channels = x.shape
    if step.layer.mode == "space_to_depth":
        high, wide = height // block, width // block
        blocks = x.reshape(count, high, block, wide, block, channels)
        return xp.transpose(blocks, (0, 1, 3, 2, 4, 5)).reshape(count, high, wide, block * block * channels)
    new_channels = channels // block**2
    if step.layer.mode == "depth_to_space":
        cells = x.reshape(count, height, width, block, block, new_channels)
    else:
        cells = xp.moveaxis(x.reshape(count, height, width, new_channels, block, block), 3, -1)
    return xp.transpose(cells, (0, 1, 3, 2, 4, 5)).reshape(count, height * block, width * block, new_channels)


def sequence_repeat(step: Step[SequenceRepeat], x: Array) -> Array:
    """[N, Seq, B, H, W, C] -> [N, n·Seq, B, H, W, C]: y[s] = x[s mod Seq] (`SequenceRepeatLayerParams`, version 1)."""
    return step.xp.tile(x, (1, step.layer.n_repetitions, 1, 1, 1, 1))


def concat(step: Step[Concat], *blobs: Array) -> Array:
    """[N, ..., H, W, C1], [N, ..., H, W, C2], ... -> [N, ..., H, W, C1 + C2 + ...] (`ConcatLayerParams`, version 1).

    Along the sequence it is [N, Seq1, B, H, W, C], ... -> [N, Seq1 + ..., B, H, W, C].
    """
    return step.xp.concatenate(blobs, axis=-5 if step.layer.sequence_concat else -1)


def split(step: Step[Split], x: Array) -> tuple[Array, ...]:
    """[N, ..., H, W, C] -> n_outputs blobs [N, ..., H, W, C / n_outputs] (`SplitLayerParams`, version 1)."""
    return tuple(step.xp.split(x, step.layer.n_outputs, axis=-1))

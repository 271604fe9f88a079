"""Data moved between the channels and the image's height and width."""

from pippin.models.spec.layers.reorganize_data import ReorganizeData
from pippin.network.arrays import Array
from pippin.network.step import Step, over_images


@over_images
def reorganize_data(step: Step[ReorganizeData], x: Array) -> Array:
    """[N, H, W, C] -> [N, H', W', C'] (`ReorganizeDataLayerParams`, version 1, pixel_shuffle 5), blocks being b high.

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
    made = channels // block**2
    if step.layer.mode == "depth_to_space":
        cells = x.reshape(count, height, width, block, block, made)
    else:
        cells = xp.moveaxis(x.reshape(count, height, width, made, block, block), 3, -1)
    return xp.transpose(cells, (0, 1, 3, 2, 4, 5)).reshape(count, height * block, width * block, made)

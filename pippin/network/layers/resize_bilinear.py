"""Resizing an image to a given size."""

from pippin.models.spec.layers.resize_bilinear import ResizeBilinear
from pippin.network.arrays import Array
from pippin.network.sampling import resized
from pippin.network.step import Step, over_images


@over_images
def resize_bilinear(step: Step[ResizeBilinear], x: Array) -> Array:
    """[N, H, W, C] -> [N, H', W', C] (`ResizeBilinearLayerParams`, version 3).

    Each number lies linearly between those of the four cells around the place where `sampling_method` samples; see
    `pippin.network.sampling`.
    """
    return resized(x, step.layer.target_size, step.layer.sampling_method, step.xp)

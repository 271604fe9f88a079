from pippin.models.spec import Layer, Shape
from pippin.models.spec.layers.convolution import Convolution


def conv(**fields: object) -> Convolution:
    return Convolution(**{"name": "c", "output_channels": 6, "kernel_size": (3, 2)} | fields)


def pointers(layer: Layer, image: Shape) -> list[str]:
    return [fault.pointer for fault in layer.faults(((1, 1, *image),))]


def test_output_shape_is_channels_by_window_counts() -> None:
    layer = conv(stride=(2, 1), dilation=(2, 3), padding={"type": "valid", "borders": [[1, 0], [0, 2]]})
    # 9 + 1 rows, a window spans 5, every second: 3. 8 + 2 columns, a window spans 4: 7.
    assert layer.output_shapes(((1, 1, 4, 9, 8),)) == ((1, 1, 6, 3, 7),)


def test_leading_axes_are_kept() -> None:
    assert conv().output_shapes(((4, 9, 8),)) == ((6, 7, 7),)
    assert conv().output_shapes(((2, 3, 4, 9, 8),)) == ((2, 3, 6, 7, 7),)


def test_same_padding_divides_the_size_by_the_stride() -> None:
    assert conv(padding="same", stride=(2, 3)).output_shapes(((1, 9, 8),)) == ((6, 5, 3),)


def test_weights_are_output_first_with_channels_split_by_group() -> None:
    layer = conv(groups=2)
    assert dict(layer.weight_shapes(((4, 9, 9),))) == {"weights": (6, 2, 3, 2), "bias": (6,)}
    assert dict(conv(has_bias=False).weight_shapes(((4, 9, 9),))) == {"weights": (6, 4, 3, 2)}


def test_kernel_channels_are_inferred() -> None:
    assert conv(groups=2).completed(((4, 9, 9),)).kernel_channels == 2


def test_kernel_channels_that_contradict_the_input_are_a_fault() -> None:
    (fault,) = conv(kernel_channels=3).faults(((4, 9, 9),))
    assert fault.pointer == "/kernel_channels"
    assert "found 3" in fault.detail
    assert "4" in fault.detail


def test_groups_divide_both_channel_counts() -> None:
    assert pointers(conv(groups=4), (6, 9, 9)) == ["/input", "/output_channels"]


def test_a_kernel_must_fit_into_the_padded_input() -> None:
    assert pointers(conv(), (1, 2, 1)) == ["/kernel_size/0", "/kernel_size/1"]
    assert pointers(conv(padding={"type": "valid", "borders": [[0, 1], [1, 0]]}), (1, 2, 1)) == []


def test_dilated_kernel_must_fit() -> None:
    assert pointers(conv(dilation=(4, 1)), (1, 8, 8)) == ["/kernel_size/0"]
    assert pointers(conv(dilation=(4, 1)), (1, 9, 8)) == []


def test_pads_are_given_for_height_and_width() -> None:
    assert conv(padding="same").pads((1, 5, 5)) == ((1, 1), (0, 1))
    assert conv(padding={"type": "same", "mode": "top_left_heavy"}).pads((1, 5, 5)) == ((1, 1), (1, 0))


def test_given_weights_must_be_nested_as_in_the_file() -> None:
    layer = conv(output_channels=1, kernel_size=(1, 2), weights=[[[[1, 2.5]]]], bias=[0])
    assert pointers(layer, (1, 3, 3)) == []
    assert pointers(layer, (2, 3, 3)) == ["/weights/0"]
    flat = conv(output_channels=1, kernel_size=(1, 2), weights=[1, 2], bias=[0, 0])
    assert pointers(flat, (1, 3, 3)) == ["/weights", "/bias"]


def test_a_bias_for_a_layer_without_one_is_a_fault() -> None:
    assert pointers(conv(has_bias=False, bias=[0] * 6), (1, 9, 9)) == ["/bias"]

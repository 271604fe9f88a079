import pytest

from pippin.spec import Layer, Shape
from pippin.spec.layers.pooling import Pooling


def pool(**fields: object) -> Pooling:
    return Pooling(**{"name": "p", "pooling_type": "max", "kernel_size": (2, 3)} | fields)


def pointers(layer: Layer, shape: Shape) -> list[str]:
    return [fault.pointer for fault in layer.faults((shape,))]


def test_channels_stay_and_windows_are_counted() -> None:
    assert pool().output_shapes(((5, 7, 8),)) == ((5, 6, 6),)
    assert pool(stride=(2, 2)).output_shapes(((5, 7, 8),)) == ((5, 3, 3),)
    assert pool(stride=(2, 2), padding="same").output_shapes(((5, 7, 8),)) == ((5, 4, 4),)


def test_an_average_leaves_padding_out_unless_told() -> None:
    assert pool(pooling_type="average").avg_pool_exclude_padding


@pytest.mark.parametrize("shape", [(9,), (9, 9)])
def test_it_needs_height_and_width(shape: Shape) -> None:
    assert pointers(pool(), shape) == ["/input"]


def test_a_kernel_must_fit() -> None:
    assert pointers(pool(), (1, 1, 2)) == ["/kernel_size/0", "/kernel_size/1"]


def test_no_window_may_hold_only_padding() -> None:
    layer = pool(padding={"type": "valid", "borders": [[0, 1], [3, 0]]})
    assert pointers(layer, (1, 9, 9)) == ["/padding/borders/1"]


def test_pads_are_told_for_height_and_width() -> None:
    assert pool(padding="same").pads((1, 5, 5)) == ((0, 1), (1, 1))

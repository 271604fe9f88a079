from pippin.models.spec import Layer, Shape
from pippin.models.spec.layers.pooling import Pooling


def pool(**fields: object) -> Pooling:
    return Pooling(**{"name": "p", "pooling_type": "max", "kernel_size": (2, 3)} | fields)


def pointers(layer: Layer, image: Shape) -> list[str]:
    return [fault.pointer for fault in layer.faults(((1, 1, *image),))]


def test_pooling_keeps_channels_and_counts_windows() -> None:
    assert pool().output_shapes(((5, 7, 8),)) == ((5, 6, 6),)
    assert pool(stride=(2, 2)).output_shapes(((5, 7, 8),)) == ((5, 3, 3),)
    assert pool(stride=(2, 2), padding="same").output_shapes(((5, 7, 8),)) == ((5, 4, 4),)


def test_average_excludes_padding_by_default() -> None:
    assert pool(pooling_type="average").avg_pool_exclude_padding


def test_global_pooling_ignores_its_window() -> None:
    for layer in (pool(global_pooling=True), pool(global_pooling=True, kernel_size=None)):
        assert pointers(layer, (5, 1, 2)) == []
        assert layer.output_shapes(((1, 1, 5, 7, 8),)) == ((1, 1, 5, 1, 1),)


def test_non_global_pooling_needs_a_window() -> None:
    (fault,) = pool(kernel_size=None).faults(((1, 1, 5, 7, 8),))
    assert fault.pointer == "/kernel_size"
    assert "global_pooling" in fault.detail


def test_a_kernel_must_fit() -> None:
    assert pointers(pool(), (1, 1, 2)) == ["/kernel_size/0", "/kernel_size/1"]


def test_window_of_padding_only_is_refused() -> None:
    before = pool(padding={"type": "valid", "borders": [[0, 1], [3, 0]]})
    assert pointers(before, (1, 9, 9)) == ["/padding/borders/1"]
    after = pool(padding={"type": "valid", "borders": [[0, 2], [0, 2]]})
    assert pointers(after, (1, 9, 9)) == ["/padding/borders/0"]
    # Three windows of two rows, three apart: the last begins where six rows end.
    last = pool(stride=(3, 1), padding={"type": "include_last_pixel", "amounts": [0, 0]})
    assert pointers(last, (1, 6, 9)) == ["/padding/amounts/0"]


def test_pads_are_given_for_height_and_width() -> None:
    assert pool(padding="same").pads((1, 5, 5)) == ((0, 1), (1, 1))

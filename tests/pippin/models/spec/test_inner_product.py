import pytest

from pippin.models.spec import Layer, Shape
from pippin.models.spec.layers.dense import InnerProduct


def dense(**fields: object) -> InnerProduct:
    return InnerProduct.model_validate({"name": "d", "output_channels": 5} | fields)


def pointers(layer: Layer, shape: Shape) -> list[str]:
    return [fault.pointer for fault in layer.faults((shape,))]


@pytest.mark.parametrize(
    ("shape", "taken", "made"),
    [
        ((7,), 7, (5,)),
        ((2, 7), 7, (2, 5)),
        ((2, 3, 7), 7, (2, 3, 5)),
        ((2, 7, 3, 4), 84, (2, 5, 1, 1)),
        ((2, 1, 7, 3, 4), 84, (2, 1, 5, 1, 1)),
    ],
)
def test_inner_product_maps_the_last_axis_or_an_image(shape: Shape, taken: int, made: Shape) -> None:
    layer = dense()
    assert pointers(layer, shape) == []
    assert layer.output_shapes((shape,)) == (made,)
    assert dict(layer.weight_shapes((shape,))) == {"weights": (5, taken), "bias": (5,)}
    assert layer.completed((shape,)).input_channels == taken


def test_too_many_numbers_for_the_file_are_a_fault() -> None:
    (fault,) = dense().faults(((1, 2**11, 2**11, 2**11),))
    assert fault.pointer == "/input"
    assert str(2**31) in fault.detail


def test_input_channels_that_contradict_the_input_are_a_fault() -> None:
    assert pointers(dense(input_channels=6), (7,)) == ["/input_channels"]


def test_layer_without_bias_has_no_bias_weights() -> None:
    assert dict(dense(has_bias=False).weight_shapes(((7,),))) == {"weights": (5, 7)}


@pytest.mark.parametrize(
    ("weights", "pointer"),
    [
        ([[1, 2], [3, 4]], None),
        ([[1, 2], [3]], "/weights/1"),
        ([[1, 2]], "/weights"),
        ([[1, 2], 3], "/weights/1"),
        ([[1, 2], [3, "4"]], "/weights/1/1"),
        ([[1, 2], [3, True]], "/weights/1/1"),
        ([[1, 2], [3, None]], "/weights/1/1"),
        ([[1, 2], [3, float("nan")]], "/weights/1/1"),
        ([[1, 2], [3, -1e39]], "/weights/1/1"),
        ([[1, 2], [3, [4]]], "/weights/1/1"),
    ],
)
def test_given_weights_need_the_right_shape_and_float32_range(weights: object, pointer: str) -> None:
    layer = dense(output_channels=2, weights=weights)
    assert pointers(layer, (2,)) == ([] if pointer is None else [pointer])

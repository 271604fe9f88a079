import pytest

from pippin.spec import Layer, Shape
from pippin.spec.layers.inner_product import InnerProduct


def dense(**fields: object) -> InnerProduct:
    return InnerProduct(**{"name": "d", "output_channels": 5} | fields)


def pointers(layer: Layer, shape: Shape) -> list[str]:
    return [fault.pointer for fault in layer.faults((shape,))]


@pytest.mark.parametrize("shape", [(7,), (7, 1, 1)])
def test_it_maps_the_channels(shape: Shape) -> None:
    layer = dense()
    assert pointers(layer, shape) == []
    assert layer.output_shapes((shape,)) == ((5,),)
    assert dict(layer.weight_shapes((shape,))) == {"weights": (5, 7), "bias": (5,)}
    assert layer.completed((shape,)).input_channels == 7


@pytest.mark.parametrize("shape", [(7, 2, 1), (1, 1, 2)])
def test_a_blob_with_height_or_width_must_be_flattened_first(shape: Shape) -> None:
    (fault,) = dense().faults((shape,))
    assert fault.pointer == "/input"
    assert str(list(shape)) in fault.detail
    assert "flatten first" in fault.detail


def test_input_channels_that_contradict_the_input_are_a_fault() -> None:
    assert pointers(dense(input_channels=6), (7,)) == ["/input_channels"]


def test_without_bias_there_is_none() -> None:
    assert dict(dense(has_bias=False).weight_shapes(((7,),))) == {"weights": (5, 7)}


def test_its_output_is_known_whatever_goes_in() -> None:
    assert dense().output_shapes_of_anything() == ((5,),)


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
def test_given_weights_are_two_by_two_numbers_that_float32_holds(weights: object, pointer: str) -> None:
    layer = dense(output_channels=2, weights=weights)
    assert pointers(layer, (2,)) == ([] if pointer is None else [pointer])

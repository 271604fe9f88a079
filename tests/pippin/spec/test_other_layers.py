import pytest

from pippin.spec import Shape
from pippin.spec.layers.flatten import Flatten
from pippin.spec.layer import Elementwise
from pippin.spec.layers.relu import ReLU
from pippin.spec.layers.sigmoid import Sigmoid
from pippin.spec.layers.softmax import Softmax
from pippin.spec.table import LAYERS, LAYERS_BY_PROTO_PATH
from pippin.spec.layers.tanh import Tanh


@pytest.mark.parametrize(("shape", "flat"), [((3, 4, 5), (60,)), ((7,), (7,))])
def test_flatten_makes_a_vector_of_as_many_numbers(shape: Shape, flat: Shape) -> None:
    assert Flatten(name="f").output_shapes((shape,)) == (flat,)


def test_flatten_goes_channel_last_unless_told() -> None:
    assert Flatten(name="f").mode == "channel_last"


@pytest.mark.parametrize("kind", [ReLU, Sigmoid, Tanh])
@pytest.mark.parametrize("shape", [(3, 4, 5), (7,)])
def test_activations_keep_every_shape(kind: type[Elementwise], shape: Shape) -> None:
    layer = kind(name="a")
    assert list(layer.faults((shape,))) == []
    assert layer.output_shapes((shape,)) == (shape,)


def test_softmax_keeps_a_vectors_shape_and_refuses_other_blobs() -> None:
    layer = Softmax(name="s")
    assert list(layer.faults(((7,),))) == []
    assert layer.output_shapes(((7,),)) == ((7,),)
    (fault,) = layer.faults(((7, 1, 1),))
    assert fault.pointer == "/input"
    assert "flatten first" in fault.detail


def test_layers_are_found_by_their_type_and_by_their_place_in_the_file() -> None:
    assert sorted(LAYERS) == [
        "convolution", "flatten", "inner_product", "pooling", "relu", "sigmoid", "softmax", "tanh",
    ]  # fmt: skip
    assert LAYERS_BY_PROTO_PATH["activation.ReLU"] is LAYERS["relu"] is ReLU
    assert len(LAYERS_BY_PROTO_PATH) == len(LAYERS)

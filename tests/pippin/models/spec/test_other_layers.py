import pytest

from pippin.models.spec import Shape
from pippin.models.spec.layer import ShapeKeeping
from pippin.models.spec.layers.activations import ReLU, Sigmoid, Softmax, Tanh
from pippin.models.spec.layers.shape import Flatten
from pippin.models.spec.table import LAYERS, LAYERS_BY_KIND
from pippin.network.table import OPERATIONS


@pytest.mark.parametrize(
    ("shape", "flat"),
    [
        ((1, 1, 3, 4, 5), (1, 1, 60, 1, 1)),
        ((1, 1, 7, 1, 1), (1, 1, 7, 1, 1)),
        ((2, 1, 3, 4, 5), (2, 1, 60, 1, 1)),
        ((3, 4, 5), (60, 1, 1)),
    ],
)
def test_flatten_turns_an_image_into_channels(shape: Shape, flat: Shape) -> None:
    assert Flatten(name="f").output_shapes((shape,)) == (flat,)


def test_flatten_is_channel_last_by_default() -> None:
    assert Flatten(name="f").mode == "channel_last"


@pytest.mark.parametrize("kind", [ReLU, Sigmoid, Softmax, Tanh])
@pytest.mark.parametrize("shape", [(1, 1, 3, 4, 5), (1, 1, 7, 1, 1), (3, 4, 5)])
def test_activations_keep_the_shape(kind: type[ShapeKeeping], shape: Shape) -> None:
    layer = kind.model_validate({"name": "a"})
    assert list(layer.faults((shape,))) == []
    assert layer.output_shapes((shape,)) == (shape,)


def test_layers_are_found_by_type_and_by_file_field() -> None:
    assert list(LAYERS) == sorted(LAYERS) == list(OPERATIONS)
    assert LAYERS_BY_KIND["activation.ReLU"] is LAYERS["relu"] is ReLU
    assert len(LAYERS_BY_KIND) == len(LAYERS)
    assert {name: kind.model_fields["type"].default for name, kind in LAYERS.items()} == {name: name for name in LAYERS}

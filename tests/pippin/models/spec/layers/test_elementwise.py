"""Layers that compute number by number, that reduce, or that bring numbers of their own: fields, shapes and files."""

from math import nan

import pytest
from coremltools.proto import NeuralNetwork_pb2
from pydantic import ValidationError

from pippin.models.spec import Layer, Shape
from pippin.models.spec.layers.activations import ParametricSoftplus, PReLU
from pippin.models.spec.layers.constants import Bias, LoadConstant, Scale
from pippin.models.spec.layers.elementwise import Add, Unary
from pippin.models.spec.layers.reduction import Reduce
from pippin.models.spec.shapes import rank5

IMAGE = (1, 1, 3, 4, 5)


def of(*declared: tuple[int, ...]) -> tuple[Shape, ...]:
    """Shapes as layers see them."""
    return tuple(seen for shape in declared if (seen := rank5(shape)) is not None)


@pytest.mark.parametrize(
    ("kind", "fields", "place"),
    [
        (Unary, {"function": "rsqrt", "epsilon": 0.0}, "epsilon"),
        (Unary, {"function": "exp", "scale": 0.0}, "scale"),
        (Reduce, {"mode": "logsum", "axis": "c", "epsilon": 1e-60}, "epsilon"),
    ],
)
def test_a_zero_that_would_become_a_default_is_refused(
    kind: type[Layer], fields: dict[str, object], place: str
) -> None:
    with pytest.raises(ValidationError, match="found 0, which a file takes for its default") as caught:
        kind(name="u", **fields)
    assert [error["loc"] for error in caught.value.errors()] == [(place,)]


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (Unary, {"function": "power", "alpha": nan}),
        (Unary, {"function": "cube"}),
        (Reduce, {"mode": "median", "axis": "c"}),
        (Reduce, {"mode": "sum", "axis": "ch"}),
        (Bias, {"shape": ()}),
        (Bias, {"shape": (1, 1, 1, 3)}),
        (Scale, {"shape_scale": (0,)}),
        (LoadConstant, {"shape": (3,)}),
        (LoadConstant, {"shape": (2**32, 1, 1)}),
    ],
)
def test_fields_allow_only_what_a_file_can_hold(kind: type[Layer], fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        kind(name="u", **fields)


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 1, 1), (1, 4, 5), (3, 4, 5)])
def test_blobs_broadcast_in_the_four_ways_of_the_proto(shape: Shape) -> None:
    inputs = of(shape, (3, 4, 5))
    assert list(Add(name="a").faults(inputs)) == []
    assert Add(name="a").output_shapes(inputs) == (IMAGE,)


def test_two_blobs_may_both_be_smaller_than_what_they_make() -> None:
    inputs = of((3, 1, 1), (1, 4, 5))
    assert list(Add(name="a").faults(inputs)) == []
    assert Add(name="a").output_shapes(inputs) == (IMAGE,)


def test_a_file_of_several_blobs_names_no_alpha() -> None:
    read = Add(name="a", **Add.read(NeuralNetwork_pb2.AddLayerParams()))
    assert list(read.faults((IMAGE, IMAGE))) == []
    assert read.completed((IMAGE, IMAGE)) == Add(name="a")
    assert read.completed((IMAGE,)) == Add(name="a", alpha=0.0)


def test_omitted_file_fields_have_the_proto_defaults() -> None:
    assert Unary.read(NeuralNetwork_pb2.UnaryFunctionLayerParams()) == {
        "function": "sqrt",
        "alpha": 0.0,
        "epsilon": 1e-6,
        "shift": 0.0,
        "scale": 1.0,
    }
    assert Reduce.read(NeuralNetwork_pb2.ReduceLayerParams()) == {"mode": "sum", "axis": "chw", "epsilon": 1e-6}


def test_unsupported_file_fields_are_named() -> None:
    with pytest.raises(ValueError, match="found unary function 9; Pippin knows sqrt"):
        Unary.read(NeuralNetwork_pb2.UnaryFunctionLayerParams(type=9))
    with pytest.raises(ValueError, match="found reduce mode 12; Pippin knows sum"):
        Reduce.read(NeuralNetwork_pb2.ReduceLayerParams(mode=12))
    with pytest.raises(ValueError, match="found reduce axis 5; Pippin knows chw"):
        Reduce.read(NeuralNetwork_pb2.ReduceLayerParams(axis=5))


def weights(**fields: object) -> NeuralNetwork_pb2.WeightParams:
    return NeuralNetwork_pb2.WeightParams(**fields)


@pytest.mark.parametrize(
    ("blob", "shared"),
    [
        (weights(floatValue=[0.5]), True),
        (weights(floatValue=[0.5, 0.5, 0.5]), False),
        (weights(float16Value=b"\x00\x38"), True),
        (weights(float16Value=b"\x00\x38" * 3), False),
        (weights(rawValue=b"\x01", quantization=NeuralNetwork_pb2.QuantizationParams(numberOfBits=8)), False),
    ],
)
def test_a_file_with_one_number_for_all_channels_keeps_one(blob: NeuralNetwork_pb2.WeightParams, shared: bool) -> None:
    layer = PReLU(name="p", **PReLU.read(NeuralNetwork_pb2.ActivationPReLU(alpha=blob)))
    assert layer.weight_shapes((IMAGE,)) == {"alpha": (1,) if shared else (3,)}


def test_alpha_and_beta_are_shared_each_by_itself() -> None:
    message = NeuralNetwork_pb2.ActivationParametricSoftplus(
        alpha=weights(floatValue=[1.0]), beta=weights(floatValue=[1.0, 2.0, 3.0])
    )
    layer = ParametricSoftplus(name="p", **ParametricSoftplus.read(message))
    assert layer.weight_shapes((IMAGE,)) == {"alpha": (1,), "beta": (3,)}


def test_one_given_number_is_shared() -> None:
    layer = PReLU(name="p", alpha=[0.5])
    assert layer.weight_shapes((IMAGE,)) == {"alpha": (1,)}
    assert layer.completed((IMAGE,)).shared_alpha


def test_arrays_left_out_change_nothing_at_first() -> None:
    assert PReLU(name="p").fill_value("alpha") == 0.25
    assert ParametricSoftplus(name="p").fill_value("beta") == 1
    assert Scale(name="s", shape_scale=(1,)).fill_value("scale") == 1
    assert Scale(name="s", shape_scale=(1,)).fill_value("bias") == 0
    assert Bias(name="b", shape=(1,)).fill_value("bias") == 0
    assert LoadConstant(name="l", shape=(1, 1, 1)).fill_value("data") == 0


def test_bias_has_the_shape_of_the_scale_by_default() -> None:
    layer = Scale(name="s", shape_scale=(1, 4, 5), has_bias=True)
    assert layer.completed((IMAGE,)).shape_bias == (1, 4, 5)
    assert Scale(name="s", shape_scale=(3,)).completed((IMAGE,)).shape_bias is None

"""How layers see arrays and images: the mappings of our files and of coremltools'."""

from math import prod

import numpy as np
import pytest
from coremltools.models import datatypes
from coremltools.models.neural_network import NeuralNetworkBuilder

from pippin.models.mlmodel import ModelFileError, build, read
from pippin.models.mlmodel.proto import Message, parse, serialize
from pippin.models.spec import ArrayFeature, resolve
from tests.pippin.models.mlmodel.files import small_file, trained
from tests.support.specs import small_spec

RANK5, EXACT, RANK4 = 0, 1, 1


def mappings(message: Message) -> tuple[int, int]:
    network = message.neuralNetwork
    return network.arrayInputShapeMapping, network.imageInputShapeMapping


def builders_dense(shape: tuple[int, ...], made: tuple[int, ...], *, exact: bool = True) -> Message:
    """An inner product to three channels, by coremltools' builder."""
    builder = NeuralNetworkBuilder(
        [("x", datatypes.Array(*shape))],
        [("y", datatypes.Array(*made))],
        disable_rank5_shape_mapping=exact,
        use_float_arraytype=True,
    )
    # Of rank 4 and 5 it takes the last three axes as one.
    channels = prod(shape[-3:]) if len(shape) > 3 else shape[-1]
    builder.add_inner_product("dense", np.ones((3, channels)), np.zeros(3), channels, 3, True, "x", "mid")
    builder.add_activation("relu", "RELU", "mid", "y")
    return trained(builder, "y", *made)


SHAPES = [
    ((4,), (3,)),
    ((2, 4), (2, 3)),
    ((1, 2, 4), (1, 2, 3)),
    ((2, 2, 1, 4), (2, 3, 1, 1)),
    ((2, 1, 1, 3, 4), (2, 1, 3, 1, 1)),
]


@pytest.mark.parametrize(("shape", "made"), SHAPES)
def test_exact_mapping_keeps_the_declared_shape(shape: tuple[int, ...], made: tuple[int, ...]) -> None:
    message = builders_dense(shape, made)
    assert mappings(message) == (EXACT, RANK4)
    found = read(serialize(message)).resolved
    assert found.spec.array_input_shape_mapping == "exact"
    assert found.spec.image_input_shape_mapping == "rank4"
    assert found.shapes["x"] == shape
    assert found.shapes["mid"] == found.shapes["y"] == made
    assert found.outputs == (ArrayFeature(name="y", shape=made),)
    assert mappings(parse(build(found))) == (EXACT, RANK4)
    assert read(build(found)).resolved == found


def test_default_mapping_gives_arrays_five_axes() -> None:
    message = builders_dense((4,), (3,), exact=False)
    assert mappings(message) == (RANK5, RANK5)
    found = read(serialize(message)).resolved
    assert found.spec.array_input_shape_mapping == "rank5"
    assert found.shapes == {"x": (1, 1, 4, 1, 1), "mid": (1, 1, 3, 1, 1), "y": (1, 1, 3, 1, 1)}


@pytest.mark.parametrize(
    ("exact", "mapping", "seen"),
    [(True, RANK4, (1, 3, 4, 5)), (True, RANK5, (1, 1, 3, 4, 5)), (False, RANK5, (1, 1, 3, 4, 5))],
)
def test_image_rank_follows_the_mapping_of_the_file(exact: bool, mapping: int, seen: tuple[int, ...]) -> None:
    builder = NeuralNetworkBuilder(
        [("x", datatypes.Array(3, 4, 5))],
        [("y", datatypes.Array(2, 4, 5))],
        disable_rank5_shape_mapping=exact,
        use_float_arraytype=True,
    )
    builder.add_convolution(
        "dense", 3, 2, 1, 1, 1, 1, "valid", 1, np.ones((1, 1, 3, 2)), np.zeros(2), True,
        input_name="x", output_name="y",
    )  # fmt: skip
    builder.set_pre_processing_parameters(image_input_names=["x"])
    builder.spec.neuralNetwork.imageInputShapeMapping = mapping
    outputs = (*seen[:-3], 2, 4, 5)
    declared = outputs if exact else (2, 4, 5)
    builder.spec.description.output[0].type.multiArrayType.shape[:] = declared
    message = trained(builder, "y", *declared)
    found = read(serialize(message)).resolved
    assert found.shapes == {"x": seen, "y": outputs}
    assert mappings(parse(build(found))) == (EXACT if exact else RANK5, mapping)
    assert read(build(found)).resolved == found


@pytest.mark.parametrize(
    ("shape", "made", "exact"), [((4,), (3,), False), *((shape, made, True) for shape, made in SHAPES[:4])]
)
def test_output_without_shape_gets_the_computed_one(shape: tuple[int, ...], made: tuple[int, ...], exact: bool) -> None:
    message = builders_dense(shape, made, exact=exact)
    message.description.output[0].type.multiArrayType.ClearField("shape")
    found = read(serialize(message)).resolved
    assert found.outputs == (ArrayFeature(name="y", shape=made),)
    assert list(parse(build(found)).description.output[0].type.multiArrayType.shape) == list(made)


@pytest.mark.parametrize(("arrays", "images"), [("rank5", "rank5"), ("exact", "rank5"), ("exact", "rank4")])
def test_mappings_round_trip(arrays: str, images: str) -> None:
    resolved = resolve(
        small_spec(
            array_input_shape_mapping=arrays,
            image_input_shape_mapping=images,
            layers=small_spec()["layers"][:1],
            outputs=[{"name": "dense"}],
            loss={"type": "mean_squared_error"},
        )
    )
    data = build(resolved)
    assert mappings(parse(data)) == (int(arrays == "exact"), int(images == "rank4"))
    assert read(data).resolved == resolved


@pytest.mark.parametrize(
    ("field", "pointer"),
    [
        ("arrayInputShapeMapping", "/array_input_shape_mapping"),
        ("imageInputShapeMapping", "/image_input_shape_mapping"),
    ],
)
def test_unknown_mapping_is_refused(field: str, pointer: str) -> None:
    message = parse(small_file())
    setattr(message.neuralNetwork, field, 7)
    with pytest.raises(ModelFileError) as raised:
        read(serialize(message))
    assert [fault.pointer for fault in raised.value.faults] == [pointer]

"""Image inputs: what scales them, in our files and in coremltools'."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from coremltools.models import datatypes
from coremltools.models.neural_network import NeuralNetworkBuilder

from pippin.models.mlmodel import ModelFileError, build, read
from pippin.models.mlmodel.proto import Message, parse, serialize
from pippin.models.spec import ImageFeature
from tests.pippin.models.mlmodel.files import small_file, trained

LAYERS = [
    {"type": "flatten", "name": "flat"},
    {"type": "inner_product", "name": "dense", "output_channels": 3, "updatable": True},
    {"type": "softmax", "name": "softmax"},
]


def image(name: str = "x", **fields: Any) -> dict[str, object]:  # noqa: ANN401 - as in JSON
    return {"name": name, "type": "image", "color": "rgb", "width": 5, "height": 4} | fields


def scalers(message: Message) -> list[tuple[str, dict[str, float]]]:
    """What each step of the preprocessing says, by what it is for."""
    return [
        (step.featureName, {field.name: value for field, value in step.scaler.ListFields()})
        for step in message.neuralNetwork.preprocessing
    ]


def image_file(*images: dict[str, object]) -> bytes:
    """A softmax on some images."""
    joined = [{"type": "add", "name": "sum", "input": [each["name"] for each in images]}] if len(images) > 1 else []
    return small_file(inputs=list(images), layers=[*joined, *LAYERS])


CASES: list[tuple[dict[str, Any], dict[str, float]]] = [
    ({"color": "gray", "scale": 0.5}, {"channelScale": 0.5}),
    ({"color": "gray", "bias": -1}, {"channelScale": 1, "grayBias": -1}),
    ({"color": "gray", "scale": -2, "bias": 255}, {"channelScale": -2, "grayBias": 255}),
    ({"color": "rgb", "scale": 0.5}, {"channelScale": 0.5}),
    ({"color": "rgb", "bias": 2}, {"channelScale": 1, "redBias": 2, "greenBias": 2, "blueBias": 2}),
    ({"color": "rgb", "bias": [1, 2, 3]}, {"channelScale": 1, "redBias": 1, "greenBias": 2, "blueBias": 3}),
    ({"color": "bgr", "bias": [1, 2, 3]}, {"channelScale": 1, "redBias": 3, "greenBias": 2, "blueBias": 1}),
    ({"color": "bgr", "scale": 2, "bias": [0, 0, 3]}, {"channelScale": 2, "redBias": 3}),
]


@pytest.mark.parametrize(("fields", "written"), CASES)
def test_scaler_round_trips(fields: dict[str, Any], written: dict[str, float]) -> None:
    data = image_file(image(**fields))
    assert scalers(parse(data)) == [("x", written)]
    found = read(data)
    expected = ImageFeature.model_validate(image(**fields))
    assert found.resolved.inputs == (expected,)
    assert found.resolved.training_inputs[0] == expected
    assert build(found.resolved, found.weights) == data


@pytest.mark.parametrize("color", ["gray", "rgb", "bgr"])
def test_unscaled_image_has_no_scaler(color: str) -> None:
    data = image_file(image(color=color))
    message = parse(data)
    assert scalers(message) == []
    kind = message.description.input[0].type.imageType
    assert (kind.width, kind.height) == (5, 4)
    assert kind.ColorSpace.Name(kind.colorSpace) == {"gray": "GRAYSCALE", "rgb": "RGB", "bgr": "BGR"}[color]
    assert read(data).resolved.inputs == (ImageFeature.model_validate(image(color=color)),)


def test_each_image_has_its_own_scaler() -> None:
    images = [image("a", scale=2), image("b"), image("c", color="bgr", bias=[1, 2, 3])]
    data = image_file(*images)
    assert [name for name, _ in scalers(parse(data))] == ["a", "c"]
    assert read(data).resolved.inputs == tuple(ImageFeature.model_validate(each) for each in images)


def spoil(data: bytes, harm: Callable[[Any], object]) -> bytes:
    model = parse(data)
    harm(model.neuralNetwork.preprocessing)
    return serialize(model)


def test_unnamed_scaler_applies_to_the_only_image() -> None:
    data = spoil(image_file(image(scale=0.5)), lambda steps: steps[0].ClearField("featureName"))
    assert read(data).resolved.inputs == (ImageFeature.model_validate(image(scale=0.5)),)


def test_unnamed_scaler_is_refused_for_two_images() -> None:
    data = spoil(image_file(image("a", scale=0.5), image("b")), lambda steps: steps[0].ClearField("featureName"))
    with pytest.raises(ModelFileError, match="found preprocessing of ''; the model's image inputs are: a, b"):
        read(data)


def biases(data: bytes) -> tuple[float, ...]:
    (only,) = read(data).resolved.inputs
    assert isinstance(only, ImageFeature)
    return only.biases


def test_bias_of_an_absent_color_is_ignored() -> None:
    gray = spoil(image_file(image(color="gray", scale=0.5)), lambda steps: setattr(steps[0].scaler, "redBias", 9))
    assert biases(gray) == (0,)
    rgb = spoil(image_file(image(scale=0.5)), lambda steps: setattr(steps[0].scaler, "grayBias", 9))
    assert biases(rgb) == (0, 0, 0)


HARMS: dict[str, Callable[[Any], object]] = {
    "the image 'x' has a step of no kind; Pippin knows scale and bias, or a mean image": lambda steps: steps[
        0
    ].ClearField("scaler"),
    "found preprocessing of 'x' twice; needs one step per image: the order of two steps is not "
    "documented": lambda steps: steps.add().CopyFrom(steps[0]),
    "the mean image of 'x' has 1 numbers; the image has the shape [3, 4, 5] and needs 60": lambda steps: steps[
        0
    ].meanImage.meanImage.append(1),
    "the mean image of 'x' holds a number that is not finite; needs finite numbers": lambda steps: steps[
        0
    ].meanImage.meanImage.extend([np.nan] * 60),
    "found preprocessing of 'z'; the model's image inputs are: x": lambda steps: setattr(steps[0], "featureName", "z"),
}


@pytest.mark.parametrize("said", HARMS)
def test_other_preprocessing_is_refused(said: str) -> None:
    with pytest.raises(ModelFileError) as raised:
        read(spoil(image_file(image(scale=0.5)), HARMS[said]))
    assert str(raised.value) == said


@pytest.mark.parametrize("scale", [np.nan, np.inf])
def test_non_finite_scale_is_refused(scale: float) -> None:
    with pytest.raises(ModelFileError, match="/inputs/0/scale"):
        read(spoil(image_file(image(scale=0.5)), lambda steps: setattr(steps[0].scaler, "channelScale", scale)))


def test_images_of_flexible_size_are_refused() -> None:
    model = parse(image_file(image()))
    model.description.input[0].type.imageType.enumeratedSizes.sizes.add(width=5, height=4)
    with pytest.raises(ModelFileError, match="feature 'x' is an image of flexible size"):
        read(serialize(model))


@pytest.mark.parametrize(
    ("channels", "options", "expected"),
    [
        (3, {}, {"color": "rgb"}),
        (3, {"image_scale": 0.5}, {"color": "rgb", "scale": 0.5}),
        (3, {"red_bias": 1, "green_bias": 2, "blue_bias": 3}, {"color": "rgb", "bias": [1, 2, 3]}),
        (3, {"red_bias": 1, "green_bias": 2, "blue_bias": 3, "is_bgr": True}, {"color": "bgr", "bias": [3, 2, 1]}),
        (1, {"gray_bias": -1, "image_scale": 2 / 255}, {"color": "gray", "scale": 2 / 255, "bias": -1}),
    ],
)
def test_builder_preprocessing_round_trips(channels: int, options: dict[str, Any], expected: dict[str, Any]) -> None:
    builder = NeuralNetworkBuilder(
        [("x", datatypes.Array(channels, 4, 5))], [("y", datatypes.Array(3))], use_float_arraytype=True
    )
    builder.add_flatten("flat", 0, "x", "flat")
    builder.add_inner_product(
        "dense", np.ones((3, 20 * channels)), np.zeros(3), 20 * channels, 3, True, "flat", "logits"
    )
    builder.add_softmax("softmax", "logits", "y")
    builder.set_pre_processing_parameters(image_input_names=["x"], **options)
    found = read(serialize(trained(builder, "y")))
    assert found.resolved.inputs == (ImageFeature.model_validate(image(**expected)),)
    ours = parse(build(found.resolved, found.weights))
    assert ours.description.input == builder.spec.description.input
    # A scaler that changes nothing is left out.
    assert scalers(ours) == (scalers(builder.spec) if options else [])

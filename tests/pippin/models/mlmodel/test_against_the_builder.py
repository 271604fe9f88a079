"""The layers that we write, compared field by field with those of coremltools' own builder."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from coremltools.models import datatypes
from coremltools.models.neural_network import AdamParams, NeuralNetworkBuilder, SgdParams

from pippin.models.mlmodel import build, read
from pippin.models.mlmodel.proto import Message, parse, serialize
from pippin.models.spec import resolve
from tests.pippin.models.mlmodel.files import message_in, small_file
from tests.support.specs import small_spec

# A layer in our words, and what adds it with the builder.
Pair = tuple[dict[str, Any], Callable[[NeuralNetworkBuilder], object]]

IMAGE = [4, 9, 8]
HEAD = [
    {"type": "flatten", "name": "flat"},
    {"type": "inner_product", "name": "head", "output_channels": 3, "updatable": True},
    {"type": "softmax", "name": "softmax"},
]
RANDOM = np.random.Generator(np.random.PCG64(1))


def kernel(*shape: int) -> Any:  # noqa: ANN401 - an array as lists
    return RANDOM.random(shape, dtype=np.float32).round(2).tolist()


def borders_of(padding: dict[str, Any]) -> dict[str, int]:
    (top, bottom), (left, right) = padding.get("borders", [[0, 0], [0, 0]])
    return {"padding_top": top, "padding_bottom": bottom, "padding_left": left, "padding_right": right}


def convolution(**fields: Any) -> Pair:  # noqa: ANN401 - as in JSON
    ours: dict[str, Any] = {
        "type": "convolution",
        "name": "layer",
        "output_channels": 6,
        "kernel_size": [3, 2],
    } | fields
    groups = ours.get("groups", 1)
    ours["weights"] = kernel(6, 4 // groups, 3, 2)
    if ours.get("has_bias", True):
        ours["bias"] = kernel(6)
    padding = ours.get("padding", {"type": "valid"})

    def theirs(builder: NeuralNetworkBuilder) -> None:
        builder.add_convolution(
            name="layer",
            kernel_channels=4 // groups,
            output_channels=6,
            height=3,
            width=2,
            stride_height=ours.get("stride", [1, 1])[0],
            stride_width=ours.get("stride", [1, 1])[1],
            border_mode=padding["type"],
            same_padding_asymmetry_mode=padding.get("mode", "bottom_right_heavy").upper(),
            groups=groups,
            # The builder wants height, width, inputs, outputs and turns them into the file's order.
            W=np.transpose(np.array(ours["weights"]), (2, 3, 1, 0)),
            b=np.array(ours["bias"]) if "bias" in ours else None,
            has_bias="bias" in ours,
            input_name="x",
            output_name="layer",
            dilation_factors=ours.get("dilation", [1, 1]),
            **borders_of(padding),
        )

    return ours, theirs


def pooling(**fields: Any) -> Pair:  # noqa: ANN401 - as in JSON
    ours = {"type": "pooling", "name": "layer", "pooling_type": "max", "kernel_size": [3, 2], "stride": [2, 1]} | fields
    padding = ours.get("padding", {"type": "valid"})

    def theirs(builder: NeuralNetworkBuilder) -> None:
        builder.add_pooling(
            name="layer",
            height=3,
            width=2,
            stride_height=2,
            stride_width=1,
            layer_type=ours["pooling_type"].upper(),
            padding_type=padding["type"].upper(),
            input_name="x",
            output_name="layer",
            exclude_pad_area=ours.get("avg_pool_exclude_padding", True),
            same_padding_asymmetry_mode=padding.get("mode", "bottom_right_heavy").upper(),
            **borders_of(padding),
        )

    return ours, theirs


def activation(kind: str, theirs: str) -> Pair:
    ours = {"type": kind, "name": "layer"}
    return ours, lambda builder: builder.add_activation("layer", theirs, "x", "layer")


def flatten(mode: str, number: int) -> Pair:
    ours = {"type": "flatten", "name": "layer", "mode": mode}
    return ours, lambda builder: builder.add_flatten("layer", number, "x", "layer")


CASES = {
    "convolution": convolution(),
    "convolution without bias": convolution(has_bias=False),
    "convolution with borders": convolution(padding={"type": "valid", "borders": [[1, 2], [3, 0]]}),
    "convolution same": convolution(padding={"type": "same", "mode": "bottom_right_heavy"}, stride=[2, 3]),
    "convolution same, top left": convolution(padding={"type": "same", "mode": "top_left_heavy"}),
    "convolution in groups": convolution(groups=2, dilation=[2, 3]),
    "max pooling": pooling(),
    "max pooling with borders": pooling(padding={"type": "valid", "borders": [[1, 2], [1, 0]]}),
    "average pooling": pooling(pooling_type="average"),
    "average pooling over padding": pooling(
        pooling_type="average", avg_pool_exclude_padding=False, padding={"type": "same", "mode": "top_left_heavy"}
    ),
    "flatten channel first": flatten("channel_first", 0),
    "flatten channel last": flatten("channel_last", 1),
    "relu": activation("relu", "RELU"),
    "tanh": activation("tanh", "TANH"),
    "sigmoid": activation("sigmoid", "SIGMOID"),
}


def new_builder(shape: list[int], outputs: int) -> NeuralNetworkBuilder:
    return NeuralNetworkBuilder(
        [("x", datatypes.Array(*shape))], [("y", datatypes.Array(outputs))], use_float_arraytype=True
    )


def without_emptiness(layer: Message) -> Message:
    """The builder gives a layer without bias an empty bias message, which says nothing."""
    for kind in ("convolution", "innerProduct"):
        if layer.HasField(kind) and not getattr(layer, kind).hasBias:
            getattr(layer, kind).ClearField("bias")
    return layer


@pytest.mark.parametrize("name", CASES)
def test_written_layer_equals_that_of_the_builder(name: str) -> None:
    ours, theirs = CASES[name]
    document = small_spec(inputs=[{"name": "x", "shape": IMAGE}], layers=[ours, *HEAD])
    builder = new_builder(IMAGE, 3)
    theirs(builder)
    written = message_in(build(resolve(document))).neuralNetwork.layers[0]
    assert written == without_emptiness(builder.spec.neuralNetwork.layers[0])


@pytest.mark.parametrize("has_bias", [True, False])
def test_inner_product_and_softmax_equal_those_of_the_builder(has_bias: bool) -> None:
    dense = {"type": "inner_product", "name": "dense", "output_channels": 3, "weights": kernel(3, 4), "updatable": True}
    dense |= {"bias": kernel(3)} if has_bias else {"has_bias": False}
    builder = new_builder([4], 3)
    builder.add_inner_product(
        "dense", np.array(dense["weights"]), np.array(dense["bias"]) if has_bias else None, 4, 3, has_bias, "x", "dense"
    )
    builder.add_softmax("softmax", "dense", "y")
    builder.make_updatable(["dense"])
    written = message_in(small_file(layers=[dense, {"type": "softmax", "name": "softmax"}]))
    for mine, theirs in zip(written.neuralNetwork.layers, builder.spec.neuralNetwork.layers, strict=True):
        assert mine == without_emptiness(theirs)


@pytest.mark.parametrize("loss", ["categorical_cross_entropy", "mean_squared_error"])
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_updatable_builder_model_is_read(capsys: Any, loss: str, optimizer: str) -> None:  # noqa: ANN401 - pytest's
    builder = new_builder([4], 3)
    builder.add_inner_product("dense", np.arange(12.0).reshape(3, 4), np.zeros(3), 4, 3, True, "x", "logits")
    builder.add_softmax("softmax", "logits", "y")
    builder.make_updatable(["dense"])
    if loss == "categorical_cross_entropy":
        builder.set_categorical_cross_entropy_loss(name="loss", input="y")
    else:
        builder.set_mean_squared_error_loss(name="loss", input_feature=("logits", datatypes.Array(3)))
        builder.spec.description.output[0].name = "logits"
        del builder.spec.neuralNetwork.layers[1]
    if optimizer == "sgd":
        builder.set_sgd_optimizer(SgdParams(lr=0.05, batch=8, momentum=0.5))
    else:
        builder.set_adam_optimizer(AdamParams(lr=0.05, batch=8))
    builder.set_epochs(10, allowed_set=[5, 10])
    capsys.readouterr()
    model = read(serialize(builder.spec))
    spec = model.resolved.spec
    target = "y_true" if loss == "categorical_cross_entropy" else "logits_true"
    assert (spec.loss.type, spec.loss.target, spec.optimizer.type, spec.shuffle) == (loss, target, optimizer, True)
    assert spec.optimizer.learning_rate.model_dump() == {"default": 0.05, "min": 0, "max": 1}
    assert spec.optimizer.mini_batch_size.model_dump() == {"default": 8, "set": (8,)}
    assert spec.epochs.model_dump() == {"default": 10, "set": (5, 10)}
    assert np.array_equal(model.weights["dense"]["weights"], np.arange(12.0).reshape(3, 4))
    assert read(build(model.resolved, model.weights)).resolved == model.resolved
    rebuilt = parse(build(model.resolved, model.weights))
    assert rebuilt.neuralNetwork.updateParams.optimizer == builder.spec.neuralNetwork.updateParams.optimizer
    assert capsys.readouterr().out == ""

"""The same run gives the same weights and losses as the engine jax, shuffled or in the order of the data.

The stand-in computes in float64 by formulas of its own, so that this is the proof of the engine jax, too.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from pippin.models.mlmodel import build
from pippin.models.mlmodel.proto import parse, serialize
from pippin.models.spec import resolve
from tests.worker.engines import lab
from tests.worker.engines.lab import SOFTMAX, Layer, Notes
from worker.engines.engine import Engine, Examples, TrainingRun
from worker.engines.jax.engine import JaxEngine

SGD = lab.optimizer("sgd", momentum=0.5)
# With an eps that is large enough to show its place in the formula.
ADAM = lab.optimizer("adam", beta1=0.9, beta2=0.99, eps=1e-4)
VALUES: dict[str, dict[str, float]] = {
    "sgd": {"learning_rate": 0.05, "momentum": 0.5},
    "adam": {"learning_rate": 0.01, "beta1": 0.9, "beta2": 0.99, "eps": 1e-4},
}
CONVOLUTION = {"type": "convolution", "name": "conv", "output_channels": 3, "kernel_size": [2, 3], "updatable": True}
DENSE = lab.dense("out", 4)


def _same(engine: Engine, run: TrainingRun) -> None:
    actual, expected = Notes(), Notes()
    lab.assert_close(engine.train(run, actual), JaxEngine().train(run, expected), 1e-5)
    for one, other in zip(actual.results, expected.results, strict=True):
        assert one.epoch == other.epoch
        assert one.loss == pytest.approx(other.loss, abs=1e-5)
        assert one.validation_loss == pytest.approx(other.validation_loss, abs=1e-5)
        assert one.validation_accuracy == other.validation_accuracy
        if run.report_batches:
            assert one.batch_losses == pytest.approx(other.batch_losses, abs=1e-5)


def _classifier(*, layers: Sequence[Layer] = (DENSE,), **changes: object) -> bytes:
    """A softmax over four classes on a vector of three, changed."""
    fields = {"outputs": [{"name": "y", "shape": [4]}], "layers": [*layers, SOFTMAX], "optimizer": SGD}
    return build(resolve(lab.document(**fields | changes)))


def _points(count: int = 9) -> Examples:
    random = np.random.default_rng(3)
    return lab.examples(x=random.normal(size=(count, 3)).astype(np.float32), y_true=random.integers(0, 4, count))


@pytest.mark.parametrize("optimizer", [SGD, ADAM], ids=lambda each: each["type"])
@pytest.mark.parametrize("loss", ["categorical_cross_entropy", "mean_squared_error"])
def test_convolutional_network_matches_jax(engine: Engine, optimizer: dict[str, Any], loss: str) -> None:
    classified = loss == "categorical_cross_entropy"
    layers = [
        CONVOLUTION,
        {"type": "relu", "name": "rectified"},
        {"type": "pooling", "name": "pooled", "pooling_type": "max", "kernel_size": [2, 2], "stride": [2, 2]},
        {"type": "flatten", "name": "flat"},
        lab.dense("hidden", 5),
        {"type": "tanh", "name": "bend"},
        DENSE,
        *([SOFTMAX] if classified else []),
    ]
    model = lab.model(layers, shape=[2, 7, 8], outputs=4, optimizer=optimizer, loss=loss)
    random = np.random.default_rng(1)
    # 10 examples make mini-batches of 4, 4 and 2.
    x = random.normal(size=(10, 2, 7, 8)).astype(np.float32)
    y = random.integers(0, 4, 10) if classified else random.normal(size=(10, 4)).astype(np.float32)
    data = lab.examples(x=x, y_true=y)
    _same(engine, lab.run(model, data, data, report_batches=True, epochs=3, **VALUES[optimizer["type"]]))


@pytest.mark.parametrize(("seed", "size"), [(0, 4), (12, 4), (-5, 4), (2**63 - 1, 4), (12, 50)])
def test_shuffled_order_of_a_seed_matches_jax(engine: Engine, seed: int, size: int) -> None:
    values = {"epochs": 4, "mini_batch_size": size, "shuffle": True, "seed": seed, **VALUES["sgd"]}
    data = _points(10)
    _same(engine, lab.run(_classifier(), data, data, report_batches=True, **values))


def test_file_without_shuffle_and_seed_matches_jax(engine: Engine) -> None:
    message = parse(_classifier())
    message.neuralNetwork.updateParams.ClearField("shuffle")
    message.neuralNetwork.updateParams.ClearField("seed")
    data = _points(10)
    _same(engine, lab.run(serialize(message), data, data, epochs=3, shuffle=True, seed=9, **VALUES["sgd"]))


def test_learning_rate_per_epoch_matches_jax(engine: Engine) -> None:
    data = _points()
    run = lab.run(_classifier(), data, data, epochs=4, **VALUES["sgd"])
    _same(engine, replace(run, learning_rates=(0.2, 0.2, 0.02, 0.1)))


def test_mini_batch_larger_than_the_data_matches_jax(engine: Engine) -> None:
    data = _points(3)
    _same(engine, lab.run(_classifier(), data, data, epochs=2, mini_batch_size=50, **VALUES["sgd"]))


def _pixels(*shape: int) -> np.ndarray:
    return np.random.default_rng(2).integers(0, 256, shape).astype(np.uint8)


def _image(color: str) -> dict[str, object]:
    image = {"name": "x", "type": "image", "color": color, "width": 6, "height": 5, "scale": 1 / 255}
    return {"inputs": [image], "layers": [{"type": "flatten", "name": "flat"}, DENSE]}


def _labelled(labels: list[Any]) -> dict[str, object]:
    return {
        "classifier": {"labels": labels, "predicted_feature": "y_true", "probabilities": "shares"},
        "outputs": ...,
    }


@pytest.mark.parametrize(
    ("changes", "scales", "x"),
    [
        ({"inputs": [{"name": "x", "shape": [3], "type": "double"}]}, {"x": 1 / 255}, _pixels(9, 3)),
        ({"inputs": [{"name": "x", "shape": [3], "type": "float"}]}, {"x": 1 / 255}, _pixels(9, 3)),
        (_labelled(["ant", "bee", "cow", "dog"]), {}, _points().arrays["x"]),
        (_labelled([10, 20, 30, 40]), {}, _points().arrays["x"]),
        (_image("gray"), {}, _pixels(9, 1, 5, 6)),
        (_image("rgb"), {}, _pixels(9, 3, 5, 6)),
        (_image("bgr"), {}, _pixels(9, 3, 5, 6)),
    ],
    ids=[
        "stored integers, declared doubles",
        "stored integers, declared floats",
        "class labels of text",
        "class labels of int64",
        "gray image",
        "rgb image",
        "bgr image",
    ],
)
def test_input_or_output_of_each_kind_matches_jax(
    engine: Engine, changes: dict[str, Any], scales: dict[str, float], x: np.ndarray
) -> None:
    data = lab.examples(scales, x=x, y_true=_points().arrays["y_true"])
    _same(engine, lab.run(_classifier(**changes), data, data, epochs=2, **VALUES["sgd"]))

"""The same run gives the same weights and losses as the engine jax, shuffled or in the order of the data."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from pippin.models.mlmodel import Weights, build
from pippin.models.mlmodel.proto import parse, serialize
from pippin.models.spec import resolve
from tests.worker.engines.conftest import Lab
from worker.engines.engine import Engine, TrainingRun
from worker.engines.jax.engine import JaxEngine

SGD = {"type": "sgd", "learning_rate": 0.1, "mini_batch_size": 4, "momentum": 0.5}
ADAM = {"type": "adam", "learning_rate": 0.1, "mini_batch_size": 4, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8}
VALUES: dict[str, dict[str, float]] = {
    "sgd": {"learning_rate": 0.05, "momentum": 0.5},
    "adam": {"learning_rate": 0.01, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8},
}
CONVOLUTION = {"type": "convolution", "name": "conv", "output_channels": 3, "kernel_size": [2, 3], "updatable": True}
DENSE = {"type": "inner_product", "name": "out", "output_channels": 4, "updatable": True}


def _same(engine: Engine, run: TrainingRun, lab: Lab) -> None:
    theirs, ours = lab.notes(), lab.notes()
    found, wanted = engine.train(run, theirs), JaxEngine().train(run, ours)
    _close(found, wanted)
    for one, other in zip(theirs.results, ours.results, strict=True):
        assert one.epoch == other.epoch
        assert one.loss == pytest.approx(other.loss, abs=1e-4)
        assert one.validation_loss == pytest.approx(other.validation_loss, abs=1e-4)
        assert one.validation_accuracy == other.validation_accuracy
        if run.report_batches:
            assert one.batch_losses == pytest.approx(other.batch_losses, abs=1e-4)


def _close(found: Weights, wanted: Weights) -> None:
    assert list(found) == list(wanted)
    for layer, arrays in wanted.items():
        assert list(found[layer]) == list(arrays)
        for key, array in arrays.items():
            assert found[layer][key].dtype == np.float32
            np.testing.assert_allclose(found[layer][key], array, atol=1e-4)


@pytest.mark.parametrize("optimizer", [SGD, ADAM], ids=lambda each: each["type"])
@pytest.mark.parametrize("loss", ["categorical_cross_entropy", "mean_squared_error"])
def test_convolutional_network_matches_jax(engine: Engine, lab: Lab, optimizer: dict[str, Any], loss: str) -> None:
    classified = loss == "categorical_cross_entropy"
    layers = [CONVOLUTION, {"type": "relu", "name": "bend"}, {"type": "flatten", "name": "flat"}, DENSE]
    last = [{"type": "softmax", "name": "share"}] if classified else []
    model = lab.model(layers + last, shape=[2, 5, 6], outputs=4, optimizer=optimizer, loss=loss)
    random = np.random.default_rng(1)
    x = random.normal(size=(10, 2, 5, 6)).astype(np.float32)
    y = random.integers(0, 4, 10) if classified else random.normal(size=(10, 4)).astype(np.float32)
    data = lab.examples(x=x, y_true=y)
    values = VALUES[optimizer["type"]]
    _same(engine, lab.run(model, data, data, report_batches=True, epochs=3, **values), lab)


@pytest.mark.parametrize("size", [4, 50], ids=["a last mini-batch", "more than the data"])
@pytest.mark.parametrize("seed", [0, 12, -5, 2**63 - 1])
def test_shuffled_order_of_a_seed_matches_jax(engine: Engine, lab: Lab, seed: int, size: int) -> None:
    model = lab.model([DENSE, {"type": "softmax", "name": "share"}], shape=[3], outputs=4, optimizer=SGD)
    random = np.random.default_rng(3)
    data = lab.examples(x=random.normal(size=(10, 3)).astype(np.float32), y_true=random.integers(0, 4, 10))
    values = {"epochs": 4, "mini_batch_size": size, "shuffle": True, "seed": seed, **VALUES["sgd"]}
    _same(engine, lab.run(model, data, data, report_batches=True, **values), lab)


def test_file_without_shuffle_and_seed_matches_jax(engine: Engine, lab: Lab) -> None:
    message = parse(lab.model([DENSE, {"type": "softmax", "name": "share"}], shape=[3], outputs=4, optimizer=SGD))
    message.neuralNetwork.updateParams.ClearField("shuffle")
    message.neuralNetwork.updateParams.ClearField("seed")
    random = np.random.default_rng(3)
    data = lab.examples(x=random.normal(size=(10, 3)).astype(np.float32), y_true=random.integers(0, 4, 10))
    _same(engine, lab.run(serialize(message), data, data, epochs=3, shuffle=True, seed=9, **VALUES["sgd"]), lab)


def test_learning_rate_per_epoch_matches_jax(engine: Engine, lab: Lab) -> None:
    model = lab.model([DENSE, {"type": "softmax", "name": "share"}], shape=[3], outputs=4, optimizer=SGD)
    random = np.random.default_rng(2)
    data = lab.examples(x=random.normal(size=(9, 3)).astype(np.float32), y_true=random.integers(0, 4, 9))
    run = lab.run(model, data, data, epochs=4, **VALUES["sgd"])
    _same(engine, replace(run, learning_rates=(0.2, 0.2, 0.02, 0.1)), lab)


def test_mini_batch_larger_than_the_data_matches_jax(engine: Engine, lab: Lab) -> None:
    model = lab.model([DENSE, {"type": "softmax", "name": "share"}], shape=[3], outputs=4, optimizer=SGD)
    data = lab.examples(x=np.eye(3, dtype=np.float32), y_true=[0, 1, 2])
    _same(engine, lab.run(model, data, data, epochs=2, mini_batch_size=50, **VALUES["sgd"]), lab)


@pytest.mark.parametrize("kept", ["double", "float"])
def test_stored_integers_and_declared_doubles_match_jax(engine: Engine, lab: Lab, kept: str) -> None:
    document = _document(inputs=[{"name": "x", "shape": [3], "type": kept}])
    random = np.random.default_rng(2)
    data = lab.examples(
        {"x": 1 / 255}, x=random.integers(0, 256, (9, 3)).astype(np.uint8), y_true=random.integers(0, 4, 9)
    )
    _same(engine, lab.run(build(resolve(document)), data, data, epochs=2, **VALUES["sgd"]), lab)


@pytest.mark.parametrize("labels", [["ant", "bee", "cow", "dog"], [10, 20, 30, 40]], ids=["string", "int64"])
def test_classifier_with_class_labels_matches_jax(engine: Engine, lab: Lab, labels: list[Any]) -> None:
    document = _document(
        classifier={"labels": labels, "predicted_feature": "kind", "probabilities": "shares"},
        outputs=...,
        loss={"type": "categorical_cross_entropy", "target": "kind"},
    )
    random = np.random.default_rng(2)
    data = lab.examples(x=random.normal(size=(9, 3)).astype(np.float32), kind=random.integers(0, 4, 9))
    _same(engine, lab.run(build(resolve(document)), data, data, epochs=2, **VALUES["sgd"]), lab)


@pytest.mark.parametrize("color", ["gray", "rgb", "bgr"])
def test_image_input_matches_jax(engine: Engine, lab: Lab, color: str) -> None:
    image = {"name": "x", "type": "image", "color": color, "width": 6, "height": 5, "scale": 1 / 255}
    document = _document(inputs=[image], layers=[{**CONVOLUTION}, {"type": "flatten", "name": "flat"}, DENSE])
    random = np.random.default_rng(2)
    x = random.integers(0, 256, (9, 1 if color == "gray" else 3, 5, 6)).astype(np.uint8)
    data = lab.examples(x=x, y_true=random.integers(0, 4, 9))
    _same(engine, lab.run(build(resolve(document)), data, data, epochs=2, **VALUES["sgd"]), lab)


def _document(**changes: object) -> dict[str, Any]:
    """A softmax over four classes on a vector of three, changed; `...` leaves a field out."""
    document: dict[str, Any] = {
        "inputs": [{"name": "x", "shape": [3]}],
        "outputs": [{"name": "y", "shape": [4]}],
        "layers": [DENSE],
        "loss": {"type": "categorical_cross_entropy", "target": "y_true"},
        "optimizer": SGD,
        "epochs": 1,
    }
    changed = {key: value for key, value in (document | changes).items() if value is not ...}
    changed["layers"] = [*changed["layers"], {"type": "softmax", "name": "share"}]
    return changed

"""The contents of a built file."""

import os
import subprocess
import sys
from typing import Any

import coremltools
import numpy as np
import pytest

from pippin.models.mlmodel import ModelFileError, build
from pippin.models.spec import resolve
from pippin.models.spec.weights import initial_weights
from tests.pippin.models.mlmodel.files import message_in, small_file
from tests.support.specs import DENSE, SOFTMAX, small_spec

FLOAT32, DOUBLE, INT32 = 65568, 65600, 131104


def test_built_file_is_an_updatable_network_of_version_4() -> None:
    model = message_in(small_file())
    assert model.specificationVersion == 4
    assert model.isUpdatable
    assert model.WhichOneof("Type") == "neuralNetwork"
    assert model.neuralNetwork.arrayInputShapeMapping == 0


def test_coremltools_loads_the_file_as_updatable() -> None:
    model = coremltools.models.MLModel(message_in(small_file()), skip_model_load=True)
    assert model.get_spec().isUpdatable
    assert "'dense'" in str(coremltools.models.neural_network.NeuralNetworkBuilder(spec=model.get_spec()).layers)


def test_features_have_exact_types() -> None:
    description = message_in(small_file(inputs=[{"name": "x", "shape": [4, 1, 1], "type": "double"}])).description
    features = {
        field: [
            (feature.name, list(feature.type.multiArrayType.shape), feature.type.multiArrayType.dataType)
            for feature in getattr(description, field)
        ]
        for field in ("input", "output", "trainingInput")
    }
    assert features == {
        "input": [("x", [4, 1, 1], DOUBLE)],
        "output": [("y", [3], FLOAT32)],
        "trainingInput": [("x", [4, 1, 1], DOUBLE), ("y_true", [1], INT32)],
    }


def test_metadata_is_kept() -> None:
    fields = {"short_description": "Digits", "author": "Ada", "license": "MIT", "version_string": "1.2"}
    metadata = message_in(small_file(**fields, user_defined={"a": "1", "b": ""})).description.metadata
    assert metadata == type(metadata)(
        shortDescription="Digits", author="Ada", license="MIT", versionString="1.2", userDefined={"a": "1", "b": ""}
    )


def test_training_parameters_keep_their_ranges_and_sets() -> None:
    adam = {
        "type": "adam",
        "learning_rate": {"default": 0.1, "max": 0.3},
        "mini_batch_size": {"default": 128, "set": [64, 128]},
        "beta1": 0.9,
        "beta2": {"default": 0.5, "min": 0.5, "max": 0.5},
        "eps": 1e-8,
    }
    epochs = {"default": 10, "min": 1, "max": 1000}
    update = message_in(small_file(optimizer=adam, epochs=epochs, shuffle=False, seed=7)).neuralNetwork.updateParams
    (loss,) = update.lossLayers
    entropy = loss.categoricalCrossEntropyLossLayer
    assert (loss.name, entropy.input, entropy.target) == ("loss", "y", "y_true")
    written = update.optimizer.adamOptimizer
    rate, beta2 = written.learningRate, written.beta2
    assert (rate.defaultValue, rate.range.minValue, rate.range.maxValue) == (0.1, 0, 0.3)
    assert list(written.miniBatchSize.set.values) == [64, 128]
    assert written.beta1.WhichOneof("AllowedValues") is None
    assert (beta2.range.minValue, beta2.range.maxValue, written.eps.defaultValue) == (0.5, 0.5, 1e-8)
    assert (update.epochs.range.minValue, update.epochs.range.maxValue) == (1, 1000)
    assert (update.HasField("shuffle"), update.shuffle.defaultValue, update.seed.defaultValue) == (True, False, 7)


@pytest.mark.parametrize("momentum", [None, 0.9, {"default": 0, "min": 0, "max": 0}])
def test_momentum_is_written_only_if_declared(momentum: object) -> None:
    sgd = {"type": "sgd", "learning_rate": 0.1, "mini_batch_size": 2, "momentum": momentum}
    written = message_in(small_file(optimizer=sgd)).neuralNetwork.updateParams.optimizer.sgdOptimizer
    assert written.HasField("momentum") == (momentum is not None)
    assert written.momentum.HasField("range") == isinstance(momentum, dict)


def test_weights_are_float32_and_marked_updatable_like_the_layer() -> None:
    frozen = DENSE | {"name": "frozen", "output_channels": 2, "updatable": False, "has_bias": False}
    resolved = resolve(small_spec(layers=[frozen, DENSE, SOFTMAX]))
    below, above, _ = message_in(build(resolved)).neuralNetwork.layers
    assert all(part.isUpdatable for part in (above, above.innerProduct.weights, above.innerProduct.bias))
    assert not any(part.isUpdatable for part in (below, below.innerProduct.weights))
    assert not below.innerProduct.HasField("bias")
    expected = initial_weights(resolved)["dense"]["weights"]
    assert np.array_equal(np.float32(above.innerProduct.weights.floatValue).reshape(3, 2), expected)


def test_given_weights_replace_the_initial_ones() -> None:
    weights = {"dense": {"weights": np.arange(12, dtype=np.float32).reshape(3, 4), "bias": np.ones(3, np.float32)}}
    (dense, _) = message_in(build(resolve(small_spec()), weights)).neuralNetwork.layers
    assert list(dense.innerProduct.weights.floatValue) == list(range(12))
    assert list(dense.innerProduct.bias.floatValue) == [1, 1, 1]


WEIGHTS, BIAS = np.zeros((3, 4), np.float32), np.zeros(3, np.float32)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "layer 'dense' got weights named"),
        ({"dense": {"weights": WEIGHTS}}, "needs .*bias"),
        (
            {"dense": {"weights": WEIGHTS.T, "bias": BIAS}},
            r"weights of layer 'dense' are of shape \[4, 3\]; needs \[3, 4\]",
        ),
        ({"dense": {"weights": WEIGHTS, "bias": BIAS}, "other": {}}, "other; the model has no such layer"),
    ],
)
def test_weights_that_do_not_match_the_model_are_refused(given: Any, said: str) -> None:  # noqa: ANN401 - wrong on purpose
    with pytest.raises(ModelFileError, match=said):
        build(resolve(small_spec()), given)


@pytest.mark.full
def test_every_process_writes_the_same_bytes() -> None:
    program = (
        "import hashlib; from pippin.models.mlmodel import build; from pippin.models.spec import resolve\n"
        "from pippin.models.spec.presets import preset\n"
        "document = preset('mnist-cnn') | {'user_defined': {f'key{number}': str(number) for number in range(8)}}\n"
        "digest = hashlib.sha256(build(resolve(document))).hexdigest()\n"
    )
    here: dict[str, str] = {}
    exec(program, here)
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", f"{program}print(digest)"],
            env=os.environ | {"PYTHONHASHSEED": str(seed)},
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed in (1, 2, 3)
    ]
    assert [process.communicate()[0].strip() for process in processes] == [here["digest"]] * len(processes)

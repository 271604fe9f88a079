import numpy as np
import pytest

from pippin.api.requests import Hyperparameters
from pippin.api.states import Reason
from pippin.models.mlmodel import build, read
from pippin.models.spec import resolve
from tests.support.records import epoch_metrics
from worker.attempt.trained import provenance, write_trained
from worker.engines.engine import EngineError

_SPEC = {
    "inputs": [{"name": "x", "shape": [2]}],
    "outputs": [{"name": "y", "shape": [1]}],
    "layers": [{"type": "inner_product", "name": "dense", "output_channels": 1, "updatable": True}],
    "loss": {"type": "mean_squared_error"},
    "optimizer": {"type": "sgd", "learning_rate": 0.1, "mini_batch_size": 2},
    "epochs": 1,
    "user_defined": {"ours": "kept"},
}


def test_trained_file_holds_its_weights_and_their_provenance() -> None:
    metadata = provenance(
        engine="jax",
        dataset="sha256:0",
        hyperparameters=Hyperparameters(epochs=2, mini_batch_size=4, learning_rate=0.1, shuffle=True, seed=3),
        last=epoch_metrics(2, epochs=2, validation_accuracy=None, learning_rate=0.1),
        scales={"x": 1 / 255},
    )
    weights = {"dense": {"weights": np.array([[1.5, -2.5]], np.float32), "bias": np.array([0.1], np.float32)}}
    back = read(write_trained(build(resolve(_SPEC)), weights, metadata))
    np.testing.assert_array_equal(back.weights["dense"]["weights"], weights["dense"]["weights"])
    assert back.metadata["ours"] == "kept"
    assert back.metadata["pippin.engine"] == "jax"
    assert back.metadata["pippin.metrics"] == '{"loss": 0.5, "validation_loss": 0.25}'
    assert float(back.metadata["pippin.scale.x"]) == 1 / 255
    assert "momentum" not in back.metadata["pippin.hyperparameters"]


def test_weights_that_read_back_differently_are_refused() -> None:
    # A file holds numbers of 32 bits.
    weights = {"dense": {"weights": np.array([[0.1, 0]], np.float64), "bias": np.zeros(1, np.float32)}}
    with pytest.raises(EngineError, match="weights of layer dense differs") as caught:
        write_trained(build(resolve(_SPEC)), weights, {})
    assert caught.value.reason is Reason.ENGINE_ERROR

import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pippin.models.spec import resolve
from pippin.models.spec.presets import preset
from pippin.models.spec.table import LAYERS
from pippin.models.spec.weights import initial_weights
from pippin.network import losses, predict
from pippin.network.arrays import Array, Weights
from pippin.network.table import OPERATIONS
from tests.pippin.network.builders import native_convolution

DIGITS = resolve(preset("mnist-cnn"))


def test_every_layer_type_has_an_operation() -> None:
    assert OPERATIONS.keys() == LAYERS.keys()


@pytest.mark.parametrize("own", [False, True], ids=["slices", "native"])
def test_preset_network_predicts_the_same_with_numpy_and_jax(*, own: bool) -> None:
    weights = initial_weights(DIGITS)
    inputs = {
        "image": np.random.default_rng(0).random((3, 1, 28, 28), "float32"),
        "output_true": np.array([[3], [1], [4]], "int32"),
    }
    convolve = native_convolution if own else None
    expected = predict(DIGITS, weights, inputs)

    @jax.jit
    def both(weights: Weights, inputs: dict[str, Array]) -> tuple[dict[str, Array], Array]:
        return predict(DIGITS, weights, inputs, jnp, convolve), losses(DIGITS, weights, inputs, jnp, convolve)

    found, found_losses = both(weights, inputs)
    assert expected.keys() == found.keys() == {"output"}
    assert expected["output"].shape == (3, 10)
    assert expected["output"].dtype == found["output"].dtype == "float32"
    np.testing.assert_allclose(found["output"], expected["output"], rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(found_losses, losses(DIGITS, weights, inputs), rtol=1e-5)


def test_predictions_need_no_target_and_work_for_one_example() -> None:
    image = np.random.default_rng(0).random((2, 1, 28, 28), "float32")
    both = predict(DIGITS, initial_weights(DIGITS), {"image": image})["output"]
    one = predict(DIGITS, initial_weights(DIGITS), {"image": image[1:]})["output"]
    np.testing.assert_allclose(one, both[1:], rtol=1e-5)


@pytest.mark.full
def test_the_network_imports_neither_jax_nor_coremltools() -> None:
    code = "import sys, pippin.network; sys.exit(any(name in sys.modules for name in ('jax', 'coremltools')))"
    subprocess.run([sys.executable, "-c", code], check=True)

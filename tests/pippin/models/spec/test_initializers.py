import hashlib
from math import sqrt

import numpy as np
import pytest

from pippin.models.spec import resolve
from pippin.models.spec.presets import preset
from pippin.models.spec.weights import Weights, initial_weights
from tests.support.specs import DENSE, SOFTMAX, small_spec


def weights(document: object) -> Weights:
    return initial_weights(resolve(document))


def digest(document: object) -> str:
    found = weights(document)
    whole = b"".join(found[layer][key].tobytes() for layer in sorted(found) for key in sorted(found[layer]))
    return hashlib.sha256(whole).hexdigest()


def test_weights_have_the_file_shape_and_float32() -> None:
    found = weights(small_spec())
    assert list(found) == ["dense"]
    assert {key: (array.shape, str(array.dtype)) for key, array in found["dense"].items()} == {
        "weights": ((3, 4), "float32"), "bias": ((3,), "float32"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("initializer", "limit"), [("he_uniform", sqrt(6 / (8 * 6))), ("glorot_uniform", sqrt(6 / (8 * 6 + 16 * 6)))]
)
def test_uniform_weights_fill_the_range_of_the_fans(initializer: str, limit: float) -> None:
    convolution = {"type": "convolution", "name": "c", "output_channels": 16, "kernel_size": [2, 3], "groups": 2,
                   "initializer": initializer}  # fmt: skip
    layers = [convolution, {"type": "flatten", "name": "f"}, DENSE, SOFTMAX]
    array = weights(small_spec(inputs=[{"name": "x", "shape": [16, 4, 4]}], layers=layers))["c"]["weights"]
    assert array.shape == (16, 8, 2, 3)
    assert np.abs(array).max() <= limit
    assert np.abs(array).max() > 0.98 * limit
    assert abs(array.mean()) < 0.1 * limit
    assert array.std() == pytest.approx(limit / sqrt(3), rel=0.1)


def test_zeros_and_biases_start_at_zero() -> None:
    layers = [
        DENSE | {"initializer": "zeros"},
        DENSE | {"name": "more", "output_channels": 5},
        DENSE | {"name": "last"},
        SOFTMAX,
    ]
    found = weights(small_spec(layers=layers))
    assert not found["dense"]["weights"].any()
    assert found["more"]["weights"].any()
    assert not found["more"]["bias"].any()


def test_given_weights_are_used_unchanged() -> None:
    given = [[1, 2.5, 3, 4], [5, 6, 7, 8], [9, 10, 11, -12]]
    found = weights(small_spec(layers=[DENSE | {"weights": given, "bias": [1, 2, 3]}, SOFTMAX]))["dense"]
    assert found["weights"].tolist() == given
    assert found["bias"].tolist() == [1, 2, 3]
    assert found["weights"].dtype == np.float32


def test_weights_depend_on_the_seed() -> None:
    assert digest(small_spec(initial_seed=1)) == digest(small_spec(initial_seed=1))
    assert digest(small_spec(initial_seed=1)) != digest(small_spec(initial_seed=2))


def test_added_layer_keeps_the_weights_of_the_others() -> None:
    short = weights(small_spec(layers=[DENSE, SOFTMAX]))
    more = DENSE | {"name": "more", "output_channels": 4}
    long = weights(small_spec(layers=[more, DENSE, SOFTMAX]))
    assert np.array_equal(short["dense"]["weights"], long["dense"]["weights"])
    assert not np.array_equal(long["more"]["weights"][:3], long["dense"]["weights"])


def test_preset_weights_are_equal_in_every_process_and_on_every_machine() -> None:
    assert digest(preset("mnist-cnn")) == "12b802b454b89b0dcb611a53a6a6666a93f08d182b547e2ad439fdcff5a6a84b"

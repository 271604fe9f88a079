"""The stand-in's layers compared with the formulas of the table of layer cases, which no product code uses."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.pippin.models.layers.case import Case
from tests.pippin.models.layers.rows import CASES

KNOWN = {
    "add", "batchnorm", "concat", "convolution", "elu", "flatten", "inner_product", "leaky_relu", "linear", "pooling",
    "relu", "scaled_tanh", "sigmoid", "sigmoid_hard", "softmax", "softplus", "softsign", "tanh", "thresholded_relu",
}  # fmt: skip


def _known(case: Case) -> bool:
    """Whether the stand-in supports the case's layer type, the rank of its arrays and its mode."""
    layer = case.layer
    return (
        layer["type"] in KNOWN
        and case.mapping == "rank5"
        and all(len(shape) in (1, 3) for shape in case.inputs)
        and layer.get("pooling_type") != "l2"
        and not any(layer.get(flag) for flag in ("compute_mean_var", "instance_normalization", "sequence_concat"))
    )


def _fed(values: Any) -> Any:
    return values if values.ndim == 4 else values[:, :, None, None]


@pytest.mark.parametrize("case", [case for case in CASES if _known(case)], ids=str)
def test_layer_matches_the_formula_of_the_format(apple: SimpleNamespace, case: Case) -> None:
    proto, networks = apple.inside("proto"), apple.inside("network")
    model, inputs = proto.parse(case.file()), case.drawn()
    if len({tuple(shape) for shape in case.inputs}) > 1 and case.layer["type"] == "add":
        with pytest.raises(apple.inside("errors").CoreMLError, match="one shape only"):
            networks.Network(model).forward(networks.weights_of(model), {n: _fed(x) for n, x in inputs.items()})
        return
    blobs, _ = networks.Network(model).forward(networks.weights_of(model), {n: _fed(x) for n, x in inputs.items()})
    for name, expected in case.expected(inputs).items():
        np.testing.assert_allclose(blobs[name].reshape(expected.shape), expected, rtol=1e-6, atol=1e-7)


def test_every_supported_layer_type_has_cases() -> None:
    assert {case.layer["type"] for case in CASES if _known(case)} == KNOWN

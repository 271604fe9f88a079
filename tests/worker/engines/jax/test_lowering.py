from typing import Any

import jax
import numpy as np
import pytest

from pippin.models.mlmodel import read
from tests.worker.engines.conftest import Lab
from worker.engines.jax.lowering import convolve, network_for

OPTIMIZER = {"type": "sgd", "learning_rate": 0.1, "mini_batch_size": 4, "momentum": 0.9}


@pytest.mark.full
@pytest.mark.parametrize(
    "fields",
    [
        {"kernel_size": [2, 3]},
        {"kernel_size": [3, 2], "stride": [2, 1], "dilation": [1, 3]},
        {"kernel_size": [3, 3], "groups": 2},
        {"kernel_size": [2, 2], "padding": {"type": "same"}, "stride": [2, 2]},
        {"kernel_size": [3, 3], "padding": {"type": "valid", "borders": [[2, 0], [1, 3]]}},
    ],
)
def test_losses_and_gradients_are_the_same_through_the_convolution_of_the_device(
    fields: dict[str, Any], lab: Lab
) -> None:
    layers = [
        {"type": "convolution", "name": "conv", "output_channels": 6, "updatable": True, **fields},
        {"type": "flatten", "name": "flat"},
        {"type": "inner_product", "name": "out", "output_channels": 2, "updatable": True},
        {"type": "softmax", "name": "share"},
    ]
    model = read(lab.model(layers, shape=[4, 8, 9], optimizer=OPTIMIZER))
    random = np.random.default_rng(0)
    inputs = {
        "x": random.normal(size=(5, 4, 8, 9)).astype(np.float32),
        "y_true": random.integers(0, 2, (5, 1)).astype(np.int32),
    }
    slices = network_for(model.resolved, "cpu")
    device = network_for(model.resolved, "gpu")
    assert (slices.convolve, device.convolve, device.precision) == (None, convolve, "highest")
    found = [
        jax.value_and_grad(lambda weights, network=network: network.losses(weights, inputs).sum())(model.weights)
        for network in (slices, device)
    ]
    for one, other in zip(*(jax.tree.leaves(each) for each in found), strict=True):
        assert np.asarray(one) == pytest.approx(np.asarray(other), abs=2e-5)

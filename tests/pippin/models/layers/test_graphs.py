"""Networks of many layers in any order compute the same after they are written and read back."""

from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, settings

from pippin.models.mlmodel import build, read
from pippin.models.spec import resolve
from pippin.models.spec.weights import initial_weights
from pippin.network import predict
from tests.pippin.models.graphs import graphs


@given(document=graphs())
@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
def test_graph_read_back_computes_the_same(document: dict[str, Any]) -> None:
    resolved = resolve(document)
    weights = initial_weights(resolved)
    data = build(resolved, weights)
    model = read(data)
    assert model.resolved.shapes == resolved.shapes
    assert build(model.resolved, model.weights) == data
    rng = np.random.default_rng(0)
    inputs = {feature.name: rng.uniform(-1, 1, (2, *feature.lengths)).astype(np.float32) for feature in resolved.inputs}
    ours, back = predict(resolved, weights, inputs), predict(model.resolved, model.weights, inputs)
    assert ours.keys() == {feature.name for feature in resolved.outputs} == back.keys()
    for name, array in ours.items():
        assert array.dtype == np.float32
        np.testing.assert_array_equal(back[name], array)

"""Sharing of compiled programs between jobs, and the effect of padding in a program."""

from collections.abc import Iterator
from typing import Any

import jax
import numpy as np
import pytest

from pippin.models.mlmodel import read
from tests.worker.engines import lab
from tests.worker.engines.lab import SOFTMAX, Notes
from worker.engines.columns import columns_of
from worker.engines.jax.engine import JaxEngine
from worker.engines.jax.optimizers import Sgd
from worker.engines.jax.programs import Programs, Steps, convolve, network_for, parameters_of, select_arrays

OPTIMIZER = lab.optimizer("sgd", momentum=0.9)


@pytest.fixture
def compiled() -> Iterator[list[str]]:
    """A list that grows by one for each program that no cache held."""
    misses: list[str] = []

    def count_misses(event: str, **_: object) -> None:
        if event == "/jax/compilation_cache/cache_misses":
            misses.append(event)

    jax.monitoring.register_event_listener(count_misses)
    yield misses
    jax.monitoring.unregister_event_listener(count_misses)


def _layers(name: str) -> list[dict[str, Any]]:
    return [
        lab.dense(name, 7),
        {"type": "tanh", "name": f"{name}-bend"},
        lab.dense(f"{name}-out", 2),
        {"type": "softmax", "name": f"{name}-share"},
    ]


def test_names_hyperparameters_scale_and_data_size_need_no_new_program(notes: Notes, compiled: list[str]) -> None:
    random = np.random.default_rng(0)
    for name, count, rate in (("one", 40, 0.1), ("another", 57, 0.03)):
        x, labels = random.integers(0, 256, (count, 3), np.uint8), random.integers(0, 2, count)
        data = lab.examples({"x": rate}, x=x, y_true=labels)
        file = lab.model(_layers(name), shape=[3], optimizer=OPTIMIZER)
        JaxEngine().train(lab.run(file, data, data, learning_rate=rate, momentum=rate, epochs=2), notes)
        assert len(compiled) == 2


def _program() -> tuple[Any, Any]:
    """The compiled steps of a model by SGD, and the weights that it trains."""
    model = read(lab.model(_layers("any"), shape=[3], optimizer=OPTIMIZER))
    parameters = parameters_of(model.resolved)
    network, columns = network_for(model.resolved, "cpu"), columns_of(model.resolved)
    programs = Programs(network, columns, parameters, Sgd(learning_rate=0.1, momentum=0.9))
    return jax.jit(programs.train), select_arrays(model.weights, parameters.trained)


def test_padding_rows_do_not_affect_the_step() -> None:
    # Rows 2 and 3 do not count: for any values there, the step is that of rows 0 and 1.
    program, trained = _program()
    moments = tuple((np.zeros_like(array),) for array in trained)

    def step(filling: float) -> list[bytes]:
        table = np.array([[1, 2, 3], [3, 1, 2], [filling] * 3, [filling] * 3], np.float32)
        steps = Steps(
            table=(table, np.array([[0], [1], [1], [0]], np.int32)),
            scales=(np.float32(1), np.float32(1)),
            rows=np.array([[0, 1, 2, 3]], np.int32),
            valid_counts=np.array([2], np.int32),
            repeats=np.array([0], np.float32),
            again=np.array([2], np.int32),
            scalars=np.array([[0.1, 0.9]], np.float32),
            count=np.int32(1),
        )
        return [np.asarray(array).tobytes() for array in jax.tree.leaves(program(trained, moments, (), steps))]

    assert step(0) == step(1e6)
    assert step(0) != [array.tobytes() for array in (*trained, np.float32([0]))]


def test_steps_beyond_the_count_change_nothing() -> None:
    program, trained = _program()
    moments = tuple((np.ones_like(array),) for array in trained)
    steps = Steps(
        table=(np.ones((4, 3), np.float32), np.zeros((4, 1), np.int32)),
        scales=(np.float32(1), np.float32(1)),
        rows=np.zeros((8, 4), np.int32),
        valid_counts=np.zeros(8, np.int32),
        repeats=np.zeros(8, np.float32),
        again=np.zeros(8, np.int32),
        scalars=np.ones((8, 2), np.float32),
        count=np.int32(0),
    )
    after = program(trained, moments, (), steps)
    for given, found in zip(jax.tree.leaves((trained, moments)), jax.tree.leaves(after[:2]), strict=True):
        assert given.tobytes() == np.asarray(found).tobytes()


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
def test_device_convolution_gives_the_same_losses_and_gradients(fields: dict[str, Any]) -> None:
    layers = [
        {"type": "convolution", "name": "conv", "output_channels": 6, "updatable": True, **fields},
        {"type": "flatten", "name": "flat"},
        lab.dense("out", 2),
        SOFTMAX,
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

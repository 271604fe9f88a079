"""What makes two jobs share a compiled program, and what a program does not let through."""

from collections.abc import Iterator
from typing import Any

import jax
import numpy as np
import pytest

from pippin.models.mlmodel import read
from tests.worker.engines.conftest import Lab, Notes
from worker.engines.columns import columns_of
from worker.engines.jax.engine import JaxEngine
from worker.engines.jax.lowering import network_for
from worker.engines.jax.optimizers.sgd import Sgd
from worker.engines.jax.parameters import parameters_of, picked
from worker.engines.jax.programs import Programs, Steps

# Their classes stand in conftest.py, which tests cannot import.

OPTIMIZER = {"type": "sgd", "learning_rate": 0.1, "mini_batch_size": 4, "momentum": 0.9}


@pytest.fixture
def compiled() -> Iterator[list[str]]:
    """A list that grows by one for each program that no cache held."""
    misses: list[str] = []

    def hear(event: str, **_: object) -> None:
        if event == "/jax/compilation_cache/cache_misses":
            misses.append(event)

    jax.monitoring.register_event_listener(hear)
    yield misses
    jax.monitoring.unregister_event_listener(hear)


def _layers(name: str) -> list[dict[str, Any]]:
    return [
        {"type": "inner_product", "name": name, "output_channels": 7, "updatable": True},
        {"type": "tanh", "name": f"{name}-bend"},
        {"type": "inner_product", "name": f"{name}-out", "output_channels": 2, "updatable": True},
        {"type": "softmax", "name": f"{name}-share"},
    ]


def test_names_hyperparameters_scale_and_the_exact_size_of_the_data_need_no_program_of_their_own(
    lab: Lab, notes: Notes, compiled: list[str]
) -> None:
    random = np.random.default_rng(0)
    for name, count, rate in (("one", 40, 0.1), ("another", 57, 0.03)):
        x, labels = random.integers(0, 256, (count, 3), np.uint8), random.integers(0, 2, count)
        data = lab.examples({"x": rate}, x=x, y_true=labels)
        file = lab.model(_layers(name), shape=[3], optimizer=OPTIMIZER)
        JaxEngine().train(lab.run(file, data, data, learning_rate=rate, momentum=rate, epochs=2), notes)
        assert len(compiled) == 2


def test_what_fills_up_a_mini_batch_leaves_no_trace(lab: Lab) -> None:
    # Rows 2 and 3 do not count: whatever stands there, the step is that of rows 0 and 1.
    model = read(lab.model(_layers("any"), shape=[3], optimizer=OPTIMIZER))
    parameters = parameters_of(model.resolved)
    programs = Programs(
        network_for(model.resolved, "cpu"),
        columns_of(model.resolved),
        parameters,
        Sgd(learning_rate=0.1, momentum=0.9),
    )
    trained = picked(model.weights, parameters.trained)
    moments = tuple((np.zeros_like(array),) for array in trained)
    program = jax.jit(programs.train)

    def step(filling: float) -> list[bytes]:
        table = np.array([[1, 2, 3], [3, 1, 2], [filling] * 3, [filling] * 3], np.float32)
        steps = Steps(
            table=(table, np.array([[0], [1], [1], [0]], np.int32)),
            scales=(np.float32(1), np.float32(1)),
            rows=np.array([[0, 1, 2, 3]], np.int32),
            own=np.array([2], np.int32),
            repeats=np.array([0], np.float32),
            again=np.array([2], np.int32),
            numbers=np.array([[0.1, 0.9]], np.float32),
            count=np.int32(1),
        )
        return [np.asarray(array).tobytes() for array in jax.tree.leaves(program(trained, moments, (), steps))]

    assert step(0) == step(1e6)
    assert step(0) != [array.tobytes() for array in (*trained, np.float32([0]))]


def test_steps_beyond_the_count_change_nothing(lab: Lab) -> None:
    model = read(lab.model(_layers("any"), shape=[3], optimizer=OPTIMIZER))
    parameters = parameters_of(model.resolved)
    programs = Programs(
        network_for(model.resolved, "cpu"),
        columns_of(model.resolved),
        parameters,
        Sgd(learning_rate=0.1, momentum=0.9),
    )
    trained = picked(model.weights, parameters.trained)
    moments = tuple((np.ones_like(array),) for array in trained)
    steps = Steps(
        table=(np.ones((4, 3), np.float32), np.zeros((4, 1), np.int32)),
        scales=(np.float32(1), np.float32(1)),
        rows=np.zeros((8, 4), np.int32),
        own=np.zeros(8, np.int32),
        repeats=np.zeros(8, np.float32),
        again=np.zeros(8, np.int32),
        numbers=np.ones((8, 2), np.float32),
        count=np.int32(0),
    )
    after = jax.jit(programs.train)(trained, moments, (), steps)
    for given, found in zip(jax.tree.leaves((trained, moments)), jax.tree.leaves(after[:2]), strict=True):
        assert given.tobytes() == np.asarray(found).tobytes()

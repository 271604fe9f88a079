"""The main job trained with Core ML: a stand-in for the framework in a worker process, everything else real."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from pippin.client import Client
from pippin.datasets import sample
from pippin.datasets.arrays import open_arrays
from pippin.local.valkey import running_url
from pippin.models.mlmodel import read
from tests.conftest import Up
from tests.support.environment import clean_environment
from tests.support.paths import APPLE
from tests.support.processes import module
from tests.support.waiting import wait_for

# Whole processes take their time.
pytestmark = pytest.mark.full


EXAMPLES = {"train": 200, "test": 40}


@pytest.fixture(scope="module")
def client(running_up: Up, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A client of the service, after the start of a Core ML worker."""
    path = os.pathsep.join(filter(None, [str(APPLE), os.environ.get("PYTHONPATH")]))
    environment = clean_environment(
        PIPPIN_REDIS_URL=running_url(running_up.home) or "", PIPPIN_HOME=str(running_up.home), PYTHONPATH=path
    )
    log = tmp_path_factory.mktemp("coreml") / "log"
    with log.open("wb") as output:
        worker = subprocess.Popen(module("worker", "--engine", "coreml"), env=environment, stderr=output)
    try:
        with Client(running_up.url) as opened:
            wait_for(lambda: ["coreml"] in [each.engines for each in opened.workers()], otherwise=f"see {log}")
            yield opened
    finally:
        worker.terminate()
        ended = worker.wait(30)
    assert ended == 0, log.read_text()


@pytest.fixture(scope="module")
def digits(client: Client, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The id of a dataset of a few digits with pixels as bytes."""
    tmp_path = tmp_path_factory.mktemp("digits")
    arrays = open_arrays(sample.prepare(tmp_path).arrays_path)
    few = {name: array[: EXAMPLES[name.partition("/")[0]]] for name, array in arrays.items()}
    np.savez(tmp_path / "digits.npz", **few)
    return client.add_dataset("few-digits", [tmp_path / "digits.npz"]).id


@pytest.mark.parametrize("seed", [{}, {"seed": -7}], ids=["no seed", "a negative seed"])
def test_main_job_gives_the_same_weights_on_both_engines(
    client: Client, digits: str, tmp_path: Path, seed: dict[str, int]
) -> None:
    weights, results = {}, {}
    for engine in ("coreml", "jax"):
        request = {
            "name": engine,
            "model": {"preset": "mnist-cnn"},
            "dataset": digits,
            # Shuffled, and with a last mini-batch of 8 examples that is filled up with 56 others.
            "hyperparameters": {"epochs": 2, "mini_batch_size": 64, "shuffle": True, **seed},
            "engine": engine,
            # The jax engine has no compute units and refuses any value except "all".
            "compute_units": "cpu_only" if engine == "coreml" else "all",
            "report": "batch",
        }
        job = client.wait(client.submit(request).id, timeout=90)
        assert job.status == "succeeded", job
        assert [attempt.engine for attempt in job.attempts] == [engine]
        assert job.request.hyperparameters.seed == seed.get("seed", 0)
        results[engine] = client.metrics(job.id).data
        weights[engine] = read(client.download(job.id, tmp_path / f"{engine}.mlmodel").read_bytes()).weights
    for ours, theirs in zip(results["jax"], results["coreml"], strict=True):
        assert theirs.epoch == ours.epoch
        assert theirs.loss == pytest.approx(ours.loss, abs=1e-4)
        assert theirs.validation_loss == pytest.approx(ours.validation_loss, abs=1e-4)
        assert theirs.validation_accuracy == ours.validation_accuracy
    for layer, arrays in weights["jax"].items():
        for key, array in arrays.items():
            np.testing.assert_allclose(weights["coreml"][layer][key], array, atol=1e-4)
    first, second = (result.loss for result in results["coreml"])
    assert first is not None
    assert second is not None
    assert second < first

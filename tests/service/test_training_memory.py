"""Models too large to be trained are refused before any memory is allocated for them."""

import json
import resource
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from tests.service.conftest import MakeService
from tests.support.problems import fault, faults
from tests.support.waiting import wait_for

Fill = Callable[[dict[str, Any]], None]


def with_enormous_upsampling(spec: dict[str, Any]) -> None:
    """Add layers that need 4.5 GB for each example."""
    spec["layers"].insert(0, {"type": "upsample", "name": "up", "scaling_factor": [1200, 1200]})
    spec["layers"].insert(
        1,
        {"type": "pooling", "name": "down", "pooling_type": "max", "kernel_size": [1200, 1200], "stride": [1200, 1200]},
    )


def with_enormous_padding(spec: dict[str, Any]) -> None:
    spec["layers"].insert(0, {"type": "padding", "name": "pad", "borders": [[20000, 20000], [20000, 20000]]})
    spec["layers"].insert(1, {"type": "crop", "name": "crop", "borders": [[20000, 20000], [20000, 20000]]})


@pytest.mark.parametrize("fill", [with_enormous_upsampling, with_enormous_padding])
@pytest.mark.parametrize("media_type", ["application/json", "application/yaml"])
def test_enormous_blobs_are_refused_from_their_shapes(
    http: httpx2.Client, mnist_spec: dict[str, Any], fill: Fill, media_type: str
) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    fill(mnist_spec)
    answer = http.post("/specs/validate", content=json.dumps(mnist_spec), headers={"content-type": media_type})
    pointer, detail = fault(answer)
    assert pointer in {"/optimizer/mini_batch_size", "/layers"}
    assert "34.4 GB are allowed" in detail
    # The service runs in this process.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000


def test_too_large_job_is_refused_at_its_mini_batch_size(
    http: httpx2.Client, job_request: dict[str, Any], mnist_spec: dict[str, Any]
) -> None:
    with_enormous_upsampling(mnist_spec)
    request = job_request | {"model": {"spec": mnist_spec}}
    details = faults(http.post("/jobs", json=request))
    assert "a mini_batch_size of 7 would fit" in details["/hyperparameters/mini_batch_size"]
    request["hyperparameters"] = {"epochs": 1.5}
    details = faults(http.post("/jobs", json=request))
    assert details.keys() == {"/hyperparameters/epochs", "/hyperparameters/mini_batch_size"}
    request["hyperparameters"] = {"mini_batch_size": 7}
    assert http.post("/jobs", json=request).status_code == 202


def test_uploaded_model_and_large_dataset_are_checked_for_training_memory(
    make_service: MakeService, mnist_spec: dict[str, Any], tiny_npz: bytes
) -> None:
    # The weights need 9.38 MB, and a mini-batch of 128 examples 35 MB.
    preset = {"preset": "mnist-cnn"}
    with make_service(max_training_bytes=20_000_000).client() as http:
        wait_for(lambda: http.get("/datasets/mnist-sample").status_code == 200, "the sample is stored")
        http.post("/datasets?name=tiny", content=tiny_npz)
        # The dataset's eight examples bound the mini-batch.
        answer = http.post("/jobs", json={"model": preset, "dataset": "tiny"})
        assert answer.status_code == 202, answer.text
        assert "/hyperparameters/mini_batch_size" in faults(
            http.post("/jobs", json={"model": preset, "dataset": "mnist-sample"})
        )
    with make_service(sample=False, max_training_bytes=1_000_000).client() as http:
        http.post("/datasets?name=tiny", content=tiny_npz)
        model = http.post("/models", json=mnist_spec).json()["id"]
        answer = http.post("/jobs", json={"model": {"id": model}, "dataset": "tiny"})
        assert "9.38 MB for weights" in faults(answer)["/model"]

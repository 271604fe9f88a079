"""Evaluations of trained models on datasets."""

import asyncio
import io
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import numpy as np
import pytest
from numpy.typing import NDArray

from pippin.models.mlmodel import read
from pippin.network import losses, predict
from service.problems import Problem
from service.routes import predictions
from tests.service.conftest import Trained
from tests.support.problems import faults


def counted(model: bytes, npz: bytes, split: str) -> tuple[float, NDArray[Any], NDArray[Any]]:
    """The mean loss, the true and the predicted classes, computed without the service's code."""
    with np.load(io.BytesIO(npz)) as arrays:
        images = arrays[f"{split}/image"].astype(np.float32) * np.float32(1 / 255)
        truth = arrays[f"{split}/output_true"]
    known = read(model)
    row_losses = losses(known.resolved, known.weights, {"image": images, "output_true": truth})
    return (
        float(row_losses.mean()),
        truth[:, 0],
        predict(known.resolved, known.weights, {"image": images})["output"].argmax(axis=1),
    )


@pytest.mark.parametrize(("split", "used"), [(None, "test"), ("train", "train")])
def test_evaluation_matches_an_independent_computation(
    *,
    split: str | None,
    used: str,
    http: httpx2.Client,
    tiny: dict[str, Any],
    tiny_npz: bytes,
    trained: Trained,
    digits: bytes,
) -> None:
    asked = {"dataset": "tiny"} | ({"split": split} if split else {})
    answer = http.post(f"/jobs/{trained(digits)}/evaluate", json=asked)
    assert answer.status_code == 200, answer.text
    report = answer.json()
    loss, truth, guesses = counted(digits, tiny_npz, used)
    assert (report["dataset"], report["split"], report["examples"]) == (tiny["id"], used, len(truth))
    assert report["loss"] == pytest.approx(loss, rel=1e-4)
    assert report["accuracy"] == sum(truth == guesses) / len(truth)
    matrix = np.zeros((10, 10), int)
    np.add.at(matrix, (truth, guesses), 1)
    assert report["confusion"] == {"labels": list(range(10)), "matrix": matrix.tolist()}
    assert [each["label"] for each in report["worst"]] == [truth[each["row"]] for each in report["worst"]]
    assert len(report["worst"]) == sum(truth != guesses)
    assert report["seconds"] > 0


def test_max_examples_and_bind_can_be_given(
    http: httpx2.Client, tiny: dict[str, Any], trained: Trained, digits: bytes
) -> None:
    asked = {
        "dataset": tiny["id"],
        "split": "train",
        "max_examples": 3,
        "bind": {"image": "image", "output_true": "output_true"},
    }
    report = http.post(f"/jobs/{trained(digits, id=tiny['id'])}/evaluate", json=asked).json()
    assert report["examples"] == 3


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize(
    ("body", "pointer", "detail"),
    [
        ({"dataset": "none"}, "/dataset", "there is no dataset 'none'"),
        ({"dataset": "tiny", "split": "best"}, "/split", "no split 'best'; its splits are train, test"),
        ({"dataset": "tiny", "bind": {"image": "pixels"}}, "/bind/image", "the dataset has no feature 'pixels'"),
        ({"dataset": "tiny", "max_examples": 0}, "/max_examples", "found 0"),
        ({"dataset": "tiny", "sample": 0}, "/sample", ""),
        ({"dataset": "flat"}, "/dataset", "has the shape [1, 28, 28]"),
        ({}, "/dataset", ""),
    ],
)
def test_invalid_evaluation_is_refused_with_pointers(
    *, body: object, pointer: str, detail: str, http: httpx2.Client, trained: Trained, digits: bytes
) -> None:
    file = io.BytesIO()
    np.savez(file, image=np.zeros((2, 784), np.float32), output_true=np.zeros((2, 1), np.int32))
    http.post("/datasets", params={"name": "flat"}, content=file.getvalue())
    details = faults(http.post(f"/jobs/{trained(digits)}/evaluate", json=body))
    assert detail in details[pointer]


def test_concurrent_evaluations_all_succeed(
    http: httpx2.Client, tiny: dict[str, Any], trained: Trained, digits: bytes
) -> None:
    job = trained(digits)
    with ThreadPoolExecutor(4) as pool:
        calls = [pool.submit(http.post, f"/jobs/{job}/evaluate", json={"dataset": tiny["id"]}) for _ in range(4)]
        answers = [call.result().json() for call in calls]
    assert len({json.dumps({**answer, "seconds": 0}) for answer in answers}) == 1
    assert answers[0]["examples"] == 4


async def test_evaluations_are_serialized() -> None:
    inside: list[int] = []
    seen: list[int] = []
    lock = asyncio.Lock()

    async def enter(number: int) -> None:
        async with predictions.exclusively(lock):
            inside.append(number)
            seen.append(len(inside))
            # Other tasks run now, and would enter if the lock allowed it.
            await asyncio.sleep(0)
            inside.remove(number)

    await asyncio.gather(*map(enter, range(5)))
    assert seen == [1] * 5


async def test_evaluation_that_waits_too_long_is_a_503(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predictions, "_WAIT_SECONDS", 0.01)
    lock = asyncio.Lock()
    async with predictions.exclusively(lock):
        with pytest.raises(Problem, match="kept this one waiting") as caught:
            async with predictions.exclusively(lock):
                pytest.fail("two were inside")
        assert caught.value.status_code == 503
    assert not lock.locked()

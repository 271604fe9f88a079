"""Damaged and malicious model files: each is refused quickly, and the service keeps running."""

from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest

from tests.service.hostile_models import hostile_files, mnist_file
from tests.support.problems import is_problem


@pytest.fixture(scope="module")
def hostile() -> dict[str, tuple[bytes, str]]:
    return hostile_files()


WHAT = [
    "nothing",
    "text",
    "a megabyte of zeros",
    "a megabyte of noise",
    "half a file",
    "all but the last byte",
    "a huge shape",
    "a shape of huge size",
    "too few weights",
    "a circle",
    "two layers of one name",
    "two blobs of one name",
    "a custom layer",
    "a linked model",
    "an mlProgram",
    "two million layers",
    "half a million features",
    "half a million pipeline stages",
    "a pipeline in a pipeline",
    "pipelines as deep as can be",
    "pipelines deeper than can be",
]


def test_every_hostile_file_is_tried(hostile: dict[str, tuple[bytes, str]]) -> None:
    assert set(WHAT) == set(hostile)


@pytest.mark.parametrize("what", WHAT)
def test_hostile_file_is_refused_and_the_service_stays_ready(
    http: httpx2.Client, hostile: dict[str, tuple[bytes, str]], what: str
) -> None:
    content, message = hostile[what]
    problem = is_problem(http.post("/models?name=evil", content=content), 422, "invalid-request")
    assert any(message in f"{item['pointer']}: {item['detail']}" for item in problem["errors"]), problem["errors"]
    assert http.get("/models").json()["data"] == []
    assert http.get("/readyz").status_code == 200


def test_valid_model_is_accepted_after_concurrent_hostile_files(
    http: httpx2.Client, hostile: dict[str, tuple[bytes, str]]
) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda what: http.post("/models", content=hostile[what][0]).status_code, WHAT))
    assert set(answers) == {422}
    assert http.post("/models", content=mnist_file()).status_code == 201

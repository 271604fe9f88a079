"""Damaged and malicious model files: each is refused quickly, and the service keeps running."""

from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest

from tests.service.hostile_models import HOSTILE, mnist_file
from tests.support.problems import faults


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_file_is_refused_and_the_service_stays_ready(http: httpx2.Client, name: str) -> None:
    make, message = HOSTILE[name]
    details = faults(http.post("/models?name=evil", content=make()))
    assert any(message in f"{place}: {detail}" for place, detail in details.items()), details
    assert http.get("/models").json()["data"] == []
    assert http.get("/readyz").status_code == 200


def test_valid_model_is_accepted_after_concurrent_hostile_files(http: httpx2.Client) -> None:
    files = [make() for make, _ in HOSTILE.values()]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda file: http.post("/models", content=file).status_code, files))
    assert set(answers) == {422}
    assert http.post("/models", content=mnist_file()).status_code == 201

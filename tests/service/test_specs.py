"""Validation of documents over HTTP, which stores nothing."""

import json
from typing import Any

import httpx2
import pytest

from tests.support.paths import EXAMPLES
from tests.support.problems import is_problem

JSON = {"content-type": "application/json"}
YAML = {"content-type": "application/yaml"}


@pytest.mark.parametrize("headers", [JSON, YAML])
def test_validation_accepts_json_and_yaml_and_stores_nothing(http: httpx2.Client, headers: dict[str, str]) -> None:
    ending = "json" if headers is JSON else "yaml"
    content = (EXAMPLES / f"mnist-cnn.swiftcoremltools.{ending}").read_bytes()
    answer = http.post("/specs/validate", content=content, headers=headers)
    assert answer.status_code == 200, answer.text
    assert (answer.json()["parameter_count"], answer.json()["findings"]) == (585_958, [])
    assert http.get("/models").json()["data"] == []


def test_invalid_yaml_is_a_400(http: httpx2.Client) -> None:
    for content, message in ((b"", "empty"), (b"a: [1", "line 2, column 1"), (b"a: \xff", "UTF-8")):
        answer = http.post("/specs/validate", content=content, headers=YAML)
        assert message in is_problem(answer, 400, "malformed-body")["detail"]


def test_faults_in_yaml_have_the_same_pointers(http: httpx2.Client, mnist_spec: dict[str, Any]) -> None:
    mnist_spec["layers"][2]["pooling_type"] = "median"
    content = json.dumps(mnist_spec).encode()
    errors = [
        is_problem(http.post("/specs/validate", content=content, headers=headers), 422)["errors"]
        for headers in (JSON, YAML)
    ]
    assert errors[0] == errors[1]
    assert errors[0][0]["pointer"] == "/layers/2/pooling_type"

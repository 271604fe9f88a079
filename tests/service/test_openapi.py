import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from pippin.api.checkpoints import CheckpointList
from pippin.api.datasets import ClassBalance, DatasetPage, Manifest, Preview
from pippin.api.events import JobEvents
from pippin.api.jobs import Job, JobPage
from pippin.api.metrics import EpochMetrics, JobMetrics
from pippin.api.models import ModelPage, PresetList
from pippin.api.predictions import EvaluationReport, EvaluationRequest, Prediction
from pippin.api.problems import ProblemDocument
from pippin.api.requests import JobRequest, RetryRequest
from pippin.api.workers import DrainRequest, WorkerList
from pippin.models.record import ModelRecord
from pippin.models.spec import resolve
from pippin.settings import Settings
from service.app import create_app
from service.examples import EXAMPLES
from service.openapi import rendered
from tests.support.paths import DOCS

COMMITTED = DOCS / "openapi.json"


@pytest.fixture(scope="module")
def app() -> FastAPI:
    return create_app(Settings())


@pytest.fixture
def document(app: FastAPI) -> dict[str, Any]:
    return app.openapi()


def test_committed_document_matches_the_code(document: dict[str, Any]) -> None:
    assert COMMITTED.read_text(encoding="utf-8") == rendered(document), (
        "the REST contract has changed: if that is meant, refresh docs/openapi.json with `make openapi` "
        "and review the difference"
    )


def test_openapi_tool_check_passes() -> None:
    command = [sys.executable, str(COMMITTED.parents[1] / "tools" / "openapi_document.py"), "--check"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert ran.returncode == 0, ran.stderr


def references(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def test_references_resolve_and_no_other_host_is_named(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.1.0"
    schemas = document["components"]["schemas"]
    for reference in references(document):
        assert reference.removeprefix("#/components/schemas/") in schemas
    assert not {"HTTPValidationError", "ValidationError"} & schemas.keys()
    assert "://" not in json.dumps(document).replace("https://json-schema.org", "")


def test_schemas_of_the_same_name_are_distinguished(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    assert "examples" in schemas["Split"]["properties"]
    assert schemas["ModelSpecSplit"]["properties"]["type"]["const"] == "split"
    assert schemas["Manifest"]["properties"]["splits"]["items"] == {"$ref": "#/components/schemas/Split"}
    layers = schemas["ModelSpec"]["properties"]["layers"]["items"]["oneOf"]
    assert {"$ref": "#/components/schemas/ModelSpecSplit"} in layers


def test_every_operation_has_a_summary_and_problem_responses(document: dict[str, Any]) -> None:
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    names = [operation["operationId"] for operation in operations]
    assert len(set(names)) == len(names)
    for operation in operations:
        assert re.fullmatch(r"[a-z]+[A-Za-z]+", operation["operationId"])
        assert operation["summary"]
        for status, answer in operation["responses"].items():
            assert answer["description"]
            if status == "default" or int(status) >= 400:
                assert list(answer["content"]) == ["application/problem+json"]


def test_every_operation_documents_its_access_responses(document: dict[str, Any]) -> None:
    for operation in (each for path in document["paths"].values() for each in path.values()):
        statuses = operation["responses"].keys()
        assert {"403", "421"} <= statuses
        assert bool(operation["security"]) == ("401" in statuses) == ("429" in statuses)
        assert "503" in statuses or not operation["security"]


MODELS: dict[str, Callable[[Any], object]] = {
    "JobRequest": JobRequest.model_validate,
    "RetryRequest": RetryRequest.model_validate,
    "CheckpointList": CheckpointList.model_validate,
    "ModelSpec": resolve,
    "Job": Job.model_validate,
    "JobPage": JobPage.model_validate,
    "EpochMetrics": EpochMetrics.model_validate,
    "JobMetrics": JobMetrics.model_validate,
    "JobEvents": JobEvents.model_validate,
    "Manifest": Manifest.model_validate,
    "ModelRecord": ModelRecord.model_validate,
    "ModelPage": ModelPage.model_validate,
    "DatasetPage": DatasetPage.model_validate,
    "Preview": Preview.model_validate,
    "ClassBalance": ClassBalance.model_validate,
    "PresetList": PresetList.model_validate,
    "DrainRequest": DrainRequest.model_validate,
    "EvaluationRequest": EvaluationRequest.model_validate,
    "Prediction": Prediction.model_validate,
    "EvaluationReport": EvaluationReport.model_validate,
    "WorkerList": WorkerList.model_validate,
    "Problem": ProblemDocument.model_validate,
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_validates_against_its_model(document: dict[str, Any], name: str) -> None:
    MODELS[name](EXAMPLES[name])
    assert document["components"]["schemas"][name]["examples"] == [EXAMPLES[name]]


def test_docs_page_has_no_foreign_host_and_no_inline_script(http: httpx2.Client) -> None:
    page = http.get("/docs")
    assert page.status_code == 200
    assert page.headers["content-security-policy"].startswith("default-src 'none'; script-src 'self';")
    addresses = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(addresses) == 4
    for address in addresses:
        if not address.startswith("data:"):
            asset = http.get(f"/{address}")
            assert asset.status_code == 200
            assert asset.headers["content-type"].partition(";")[0] in {"text/css", "text/javascript"}
    assert not re.search(r"<script(?! src=)", page.text)
    assert http.get("/openapi.json").json()["openapi"] == "3.1.0"


def test_root_serves_the_dashboard_and_its_files(http: httpx2.Client) -> None:
    page = http.get("/")
    assert page.status_code == 200
    assert not re.search(r"<script(?! type=.module. src=)", page.text)
    for file in ("icon.svg", "styles.css", "main.js", "charts/plotly.min.js"):
        assert http.get(f"/dashboard/{file}").status_code == 200


def test_problem_type_links_to_its_description(http: httpx2.Client) -> None:
    answer = http.get(http.get("/nothing").json()["type"])
    assert (answer.status_code, answer.text) == (200, "Not found (HTTP 404)\n")

import json
import re
import runpy
import sys
from typing import Any

import httpx2
import pytest
from pydantic import BaseModel

from pippin.api import checkpoints, datasets, events, jobs, metrics, models, predictions, requests, workers
from pippin.api.problems import ProblemDocument
from pippin.models import record
from pippin.models.spec import resolve
from service.examples import EXAMPLES
from service.portable_schemas import references
from tests.support.paths import ROOT


def test_committed_document_matches_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    tool = ROOT / "tools" / "openapi_document.py"
    monkeypatch.setattr(sys, "argv", [str(tool), "--check"])
    runpy.run_path(str(tool), run_name="__main__")


def operations_of(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [operation for path in document["paths"].values() for operation in path.values()]


def test_references_resolve_and_no_other_host_is_named(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.1.0"
    schemas = document["components"]["schemas"]
    assert set(references(document)) <= schemas.keys()
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
    operations = operations_of(document)
    assert len({operation["operationId"] for operation in operations}) == len(operations)
    for operation in operations:
        assert re.fullmatch(r"[a-z]+[A-Za-z]+", operation["operationId"])
        assert operation["summary"]
        for status, answer in operation["responses"].items():
            assert answer["description"]
            if status == "default" or int(status) >= 400:
                assert list(answer["content"]) == ["application/problem+json"]


def test_every_operation_documents_its_access_responses(document: dict[str, Any]) -> None:
    for operation in operations_of(document):
        statuses = operation["responses"].keys()
        assert {"403", "421"} <= statuses
        assert bool(operation["security"]) == ("401" in statuses) == ("429" in statuses)
        assert "503" in statuses or not operation["security"]


MODELS: dict[str, type[BaseModel]] = {
    "Problem": ProblemDocument,
    **{
        model.__name__: model
        for module in (checkpoints, datasets, events, jobs, metrics, models, predictions, record, requests, workers)
        for model in vars(module).values()
        if isinstance(model, type) and issubclass(model, BaseModel)
    },
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_validates_against_its_model(document: dict[str, Any], name: str) -> None:
    resolve(EXAMPLES[name]) if name == "ModelSpec" else MODELS[name].model_validate(EXAMPLES[name])
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

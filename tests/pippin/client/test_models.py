"""Upload, listing and download of models with both clients."""

import json
from pathlib import Path
from typing import Any

import pytest

from pippin.client import ServiceError
from tests.pippin.client.conftest import Ask, Serve, file_headers
from tests.support.records import DIGEST, TIME
from tests.support.scripted_server import Answer


@pytest.fixture
def record() -> dict[str, Any]:
    """A network of one layer as the service shows it."""
    feature = {"name": "x", "shape": [1], "type": "float", "color": None}
    return {
        "id": "model_1", "name": "mine", "source": "mlmodel", "digest": DIGEST, "bytes": 4,
        "model": {
            "kind": "neural_network", "inputs": [feature], "outputs": [feature], "training_inputs": [feature],
            "layers": [], "parameter_count": 0, "labels": None, "loss": "mean_squared_error", "optimizer": "sgd",
            "hyperparameters": {}, "findings": [],
        },
        "findings": [{"rule": "runtime.lstm", "pointer": "/layers/0", "detail": "It fails."}],
        "created_at": TIME.isoformat(),
    }  # fmt: skip


def test_model_file_is_sent_unchanged_and_again_after_a_lost_reply(
    ask: Ask, serve: Serve, record: dict[str, Any], tmp_path: Path
) -> None:
    server = serve(None, Answer(201, record))
    (tmp_path / "net.mlmodel").write_bytes(b"\x08\x04 a model")
    added = ask(server.url, "add_model", tmp_path / "net.mlmodel", name="my net")
    assert (added.id, added.model.kind, added.findings[0].rule) == ("model_1", "neural_network", "runtime.lstm")
    for seen in server.seen:
        assert (seen.method, seen.path) == ("POST", "/models?name=my+net")
        assert b'filename="net.mlmodel"' in seen.body
        assert b"\x08\x04 a model" in seen.body


def test_a_document_is_sent_as_json(ask: Ask, serve: Serve, record: dict[str, Any]) -> None:
    server = serve(Answer(201, record))
    document = {"layers": [], "author": "Ärger"}
    assert ask(server.url, "add_model", document).name == "mine"
    (seen,) = server.seen
    assert (seen.path, seen.headers["content-type"]) == ("/models", "application/json")
    assert json.loads(seen.body) == document


def test_models_are_listed_to_the_end(ask: Ask, serve: Serve, record: dict[str, Any]) -> None:
    pages = ({"data": [record], "has_more": after is not None, "next": after} for after in ("c1", None))
    server = serve(*(Answer(200, page) for page in pages))
    assert [model.id for model in ask(server.url, "models")] == ["model_1", "model_1"]
    assert "after=c1" in server.seen[1].path


def test_model_name_is_percent_encoded(ask: Ask, serve: Serve, record: dict[str, Any]) -> None:
    server = serve(Answer(200, record | {"news": 1}))
    assert ask(server.url, "model", "my/net ?").bytes == 4
    assert server.seen[0].path == "/models/my%2Fnet%20%3F"


def test_a_model_is_read_as_a_document(ask: Ask, serve: Serve) -> None:
    server = serve(Answer(200, {"layers": []}))
    assert ask(server.url, "model_spec", "mine") == {"layers": []}
    assert ask(server.url, "model_spec", "mine", "swiftcoremltools") == {"layers": []}
    forms = ("pippin", "swiftcoremltools")
    assert [seen.path for seen in server.seen] == [f"/models/mine/spec?form={form}" for form in forms]


@pytest.mark.parametrize("body", [b"[1]", b"<html>", b"3"])
def test_malformed_document_is_reported_as_not_pippins(ask: Ask, serve: Serve, body: bytes) -> None:
    with pytest.raises(ServiceError, match="Not a response of Pippin"):
        ask(serve(Answer(200, body)).url, "model_spec", "mine")


def test_model_file_is_saved_under_the_services_name(ask: Ask, serve: Serve, tmp_path: Path) -> None:
    content = b"a model" * 1000
    server = serve(Answer(200, content, file_headers(content, 'attachment; filename="mine.mlmodel"')))
    assert ask(server.url, "download_model_file", "mine", tmp_path) == tmp_path / "mine.mlmodel"
    assert (tmp_path / "mine.mlmodel").read_bytes() == content
    assert server.seen[0].path == "/models/mine/file"


def test_delete_model_returns_none_and_sends_one_request(ask: Ask, serve: Serve) -> None:
    server = serve(Answer(204))
    assert ask(server.url, "delete_model", "mine") is None
    assert [(seen.method, seen.path) for seen in server.seen] == [("DELETE", "/models/mine")]

"""Upload, listing and download of models with both clients."""

import base64
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pippin.client import ServiceError

Calls = Callable[..., Any]


@pytest.fixture
def record() -> dict[str, Any]:
    """A network of one layer as the service shows it."""
    feature = {"name": "x", "shape": [1], "type": "float", "color": None}
    return {
        "id": "model_1", "name": "mine", "source": "mlmodel", "digest": "sha256:" + "0" * 64, "bytes": 4,
        "model": {
            "kind": "neural_network", "inputs": [feature], "outputs": [feature], "training_inputs": [feature],
            "layers": [], "parameter_count": 0, "labels": None, "loss": "mean_squared_error", "optimizer": "sgd",
            "hyperparameters": {}, "findings": [],
        },
        "findings": [{"rule": "runtime.lstm", "pointer": "/layers/0", "detail": "It fails."}],
        "created_at": "2026-11-23T10:00:00Z",
    }  # fmt: skip


def test_model_file_is_sent_unchanged_and_again_after_a_lost_reply(
    *, ask: Calls, serve: Calls, answer: Calls, record: dict[str, Any], tmp_path: Path
) -> None:
    server = serve(lambda _, count: None if count == 0 else answer(201, json.dumps(record).encode()))
    (tmp_path / "net.mlmodel").write_bytes(b"\x08\x04 a model")
    found = ask(server.url, "add_model", tmp_path / "net.mlmodel", name="my net")
    assert (found.id, found.model.kind, found.findings[0].rule) == ("model_1", "neural_network", "runtime.lstm")
    for seen in server.seen:
        assert (seen.method, seen.path) == ("POST", "/models?name=my+net")
        assert b'filename="net.mlmodel"' in seen.body
        assert b"\x08\x04 a model" in seen.body


def test_a_document_is_sent_as_json(ask: Calls, serve: Calls, answer: Calls, record: dict[str, Any]) -> None:
    server = serve(lambda *_: answer(201, json.dumps(record).encode()))
    document = {"layers": [], "author": "Ärger"}
    assert ask(server.url, "add_model", document).name == "mine"
    assert server.seen[0].path == "/models"
    assert server.seen[0].headers["content-type"] == "application/json"
    assert json.loads(server.seen[0].body) == document


def test_models_are_listed_to_the_end(ask: Calls, serve: Calls, answer: Calls, record: dict[str, Any]) -> None:
    def pages(_: object, count: int) -> object:
        page = {"data": [record], "has_more": count == 0, "next": "c1" if count == 0 else None}
        return answer(200, json.dumps(page).encode())

    server = serve(pages)
    assert [found.id for found in ask(server.url, "models")] == ["model_1", "model_1"]
    assert "after=c1" in server.seen[1].path


def test_model_name_is_percent_encoded(ask: Calls, serve: Calls, answer: Calls, record: dict[str, Any]) -> None:
    server = serve(lambda *_: answer(200, json.dumps(record | {"news": 1}).encode()))
    assert ask(server.url, "model", "my/net ?").bytes == 4
    assert server.seen[0].path == "/models/my%2Fnet%20%3F"


def test_a_model_is_read_as_a_document(ask: Calls, serve: Calls, answer: Calls) -> None:
    server = serve(lambda *_: answer(200, b'{"layers": []}'))
    assert ask(server.url, "model_spec", "mine") == {"layers": []}
    assert ask(server.url, "model_spec", "mine", "swiftcoremltools") == {"layers": []}
    assert [seen.path for seen in server.seen] == [
        "/models/mine/spec?form=pippin",
        "/models/mine/spec?form=swiftcoremltools",
    ]


@pytest.mark.parametrize("body", [b"[1]", b"<html>", b"3"])
def test_malformed_document_is_reported_as_not_pippins(ask: Calls, serve: Calls, answer: Calls, body: bytes) -> None:
    server = serve(lambda *_: answer(200, body))
    with pytest.raises(ServiceError, match="Not a response of Pippin"):
        ask(server.url, "model_spec", "mine")


def test_model_file_is_saved_under_the_services_name(ask: Calls, serve: Calls, answer: Calls, tmp_path: Path) -> None:
    content = b"a model" * 1000
    digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
    headers = {"repr-digest": f"sha-256=:{digest}:", "content-disposition": 'attachment; filename="mine.mlmodel"'}
    server = serve(lambda *_: answer(200, content, headers))
    assert ask(server.url, "download_model_file", "mine", tmp_path) == tmp_path / "mine.mlmodel"
    assert (tmp_path / "mine.mlmodel").read_bytes() == content
    assert server.seen[0].path == "/models/mine/file"


def test_delete_model_returns_none_and_sends_one_request(ask: Calls, serve: Calls, answer: Calls) -> None:
    server = serve(lambda *_: answer(204))
    assert ask(server.url, "delete_model", "mine") is None
    assert [(seen.method, seen.path) for seen in server.seen] == [("DELETE", "/models/mine")]

"""Both clients against a server that refuses, breaks off and comes back."""

import json
import socket
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pippin.client import Client, ServiceError, ServiceUnreachable
from pippin.errors import Fault, PippinError

Calls = Callable[..., Any]


def test_a_job_is_submitted_with_a_key_and_read_back(
    ask: Calls, serve: Calls, answer: Calls, job_document: dict[str, Any]
) -> None:
    server = serve(lambda *_: answer(202, json.dumps(job_document).encode()))
    request = {"model": {"preset": "mnist-cnn"}, "dataset": "mnist-sample"}
    job = ask(server.url, "submit", request)
    assert job.id == "job_1"
    assert (server.seen[0].method, server.seen[0].path) == ("POST", "/jobs")
    assert json.loads(server.seen[0].body) == request
    assert server.seen[0].headers["idempotency-key"]


def test_submission_with_a_lost_reply_is_repeated_with_the_same_key(
    ask: Calls, serve: Calls, answer: Calls, job_document: dict[str, Any]
) -> None:
    server = serve(lambda _, count: None if count == 0 else answer(202, json.dumps(job_document).encode()))
    assert ask(server.url, "submit", {"model": {"preset": "mnist-cnn"}, "dataset": "x"}).id == "job_1"
    first, second = server.seen
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]
    assert first.body == second.body


def test_submission_in_flight_is_repeated(
    ask: Calls, serve: Calls, answer: Calls, job_document: dict[str, Any]
) -> None:
    server = serve(lambda _, n: answer(409, b"{}") if n == 0 else answer(202, json.dumps(job_document).encode()))
    assert ask(server.url, "submit", {}, idempotency_key="mine").id == "job_1"
    assert [seen.headers["idempotency-key"] for seen in server.seen] == ['"mine"'] * 2


def test_lasting_conflict_is_raised(ask: Calls, serve: Calls, answer: Calls) -> None:
    server = serve(lambda *_: answer(409, b'{"title": "In flight"}'))
    with pytest.raises(ServiceError, match="In flight"):
        ask(server.url, "submit", {})


def test_cancellation_with_a_lost_reply_is_not_repeated(ask: Calls, serve: Calls) -> None:
    server = serve(lambda *_: None)
    with pytest.raises(ServiceUnreachable, match="connection broke"):
        ask(server.url, "cancel", "job_1")
    assert len(server.seen) == 1


def test_service_error_has_the_fields_of_the_problem(ask: Calls, serve: Calls, answer: Calls) -> None:
    problem = {
        "title": "The request is not valid",
        "detail": "2 faults.",
        "errors": [
            {"pointer": "/a/0", "parameter": None, "detail": "too big", "rule": "a.size"},
            {"parameter": "limit", "detail": "no"},
        ],
    }
    server = serve(lambda *_: answer(422, json.dumps(problem).encode()))
    with pytest.raises(ServiceError) as caught:
        ask(server.url, "job", "job_1")
    error = caught.value
    assert (error.status, error.title, error.detail) == (422, "The request is not valid", "2 faults.")
    assert error.faults == (Fault("/a/0", "too big", "a.size"), Fault("limit", "no"))
    assert "/a/0: too big" in str(error)


@pytest.mark.parametrize("body", [b"<html>", b"[1]", b'{"errors": [3]}', b""])
def test_error_status_without_a_problem_document_is_raised(
    ask: Calls, serve: Calls, answer: Calls, body: bytes
) -> None:
    server = serve(lambda *_: answer(503, body))
    with pytest.raises(ServiceError, match="Service Unavailable"):
        ask(server.url, "job", "job_1")


def test_malformed_reply_is_reported_as_not_pippins(ask: Calls, serve: Calls, answer: Calls) -> None:
    server = serve(lambda *_: answer(200, b"<html>hello</html>"))
    for method, args in (("job", ["job_1"]), ("validate", [{}]), ("metrics", ["job_1"])):
        with pytest.raises(ServiceError, match="Not a response of Pippin"):
            ask(server.url, method, *args)


def test_unknown_members_of_a_reply_are_ignored(
    ask: Calls, serve: Calls, answer: Calls, job_document: dict[str, Any]
) -> None:
    job_document["progress"]["step"] = 3
    server = serve(lambda *_: answer(200, json.dumps(job_document | {"priority": 1}).encode()))
    assert ask(server.url, "job", "job_1").progress.epochs == 2


def test_a_list_is_read_to_its_end_page_by_page(
    ask: Calls, serve: Calls, answer: Calls, job_document: dict[str, Any]
) -> None:
    def pages(_: SimpleNamespace, count: int) -> object:
        data = [job_document | {"id": f"job_{2 * count + i}"} for i in (1, 2)]
        page = {"data": data, "has_more": count == 0, "next": "c1" if count == 0 else None}
        return answer(200, json.dumps(page).encode())

    server = serve(pages)
    found = ask(server.url, "jobs", status="queued", labels={"team": "a&b"})
    assert [job.id for job in found] == ["job_1", "job_2", "job_3", "job_4"]
    assert "label=team%3Da%26b" in server.seen[0].path
    assert "status=queued" in server.seen[0].path
    assert "after=c1" in server.seen[1].path


def test_no_more_is_fetched_than_the_limit(
    ask: Calls, serve: Calls, answer: Calls, job_document: dict[str, Any]
) -> None:
    page = {"data": [job_document, job_document], "has_more": True, "next": "more"}
    server = serve(lambda *_: answer(200, json.dumps(page).encode()))
    assert len(ask(server.url, "jobs", limit=1)) == 1
    assert ["limit=1" in seen.path for seen in server.seen] == [True]
    assert ask(server.url, "jobs", limit=0) == []


def test_delete_returns_none(ask: Calls, serve: Calls, answer: Calls) -> None:
    server = serve(lambda *_: answer(204))
    assert ask(server.url, "delete", "job/../1") is None
    assert (server.seen[0].method, server.seen[0].path) == ("DELETE", "/jobs/job%2F..%2F1")


def test_a_worker_is_drained_and_undrained(ask: Calls, serve: Calls, answer: Calls) -> None:
    worker = {
        "name": "mac-1",
        "host": "mac.local",
        "os": "macOS 26.1",
        "chip": "Apple M4",
        "engines": ["jax"],
        "compute_units": [],
        "state": "draining",
        "current_job": None,
        "pid": 1,
        "started_at": "2026-11-23T10:00:00Z",
        "last_heartbeat": "2026-11-23T10:00:00Z",
    }
    server = serve(lambda *_: answer(202, json.dumps(worker).encode()))
    assert ask(server.url, "drain", "mac/1").state == "draining"
    assert ask(server.url, "drain", "mac", hand_back=True).name == "mac-1"
    assert ask(server.url, "undrain", "mac").name == "mac-1"
    assert [(seen.method, seen.path, seen.body) for seen in server.seen] == [
        ("POST", "/workers/mac%2F1/drain", b'{"hand_back":false}'),
        ("POST", "/workers/mac/drain", b'{"hand_back":true}'),
        ("DELETE", "/workers/mac/drain", b""),
    ]


def test_unreachable_service_is_reported_after_the_retries(ask: Calls) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{bound.getsockname()[1]}"
        with pytest.raises(ServiceUnreachable, match="could not connect") as caught:
            ask(url, "workers")
    assert caught.value.url == url


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://x", "http://", "http://[", "", "http:///jobs"])
def test_invalid_url_is_refused_at_once(url: str) -> None:
    with pytest.raises(PippinError, match="address of a service"):
        Client(url)


def test_url_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIPPIN_URL", "http://127.0.0.1:7/")
    with Client() as client:
        assert client.url == "http://127.0.0.1:7"


def test_proxy_of_the_environment_is_not_used_for_this_machine(
    monkeypatch: pytest.MonkeyPatch, ask: Calls, serve: Calls, answer: Calls, job_document: dict[str, Any]
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    server = serve(lambda *_: answer(200, json.dumps(job_document).encode()))
    assert ask(server.url, "job", "job_1").id == "job_1"


def test_a_wait_ends_when_the_job_is_final(serve: Calls, answer: Calls, job_document: dict[str, Any]) -> None:
    server = serve(
        lambda _, count: answer(200, json.dumps(job_document | {"status": "failed" if count else "queued"}).encode())
    )
    with Client(server.url) as client:
        assert client.wait("job_1").status == "failed"


def test_wait_raises_timeout_error_after_its_timeout(serve: Calls, answer: Calls, job_document: dict[str, Any]) -> None:
    server = serve(lambda *_: answer(200, json.dumps(job_document).encode()))
    with Client(server.url) as client, pytest.raises(TimeoutError, match="job_1 is not final after"):
        client.wait("job_1", timeout=0.1)


def test_a_dataset_is_sent_as_one_body_of_its_files(ask: Calls, serve: Calls, answer: Calls, tmp_path: Path) -> None:
    manifest = {
        "id": "ds_1", "name": "mine", "format": "csv", "digest": "sha256:" + "0" * 64, "bytes": 4,
        "features": [], "splits": [], "labels": None, "created_at": "2026-11-23T10:00:00Z",
    }  # fmt: skip
    server = serve(lambda _, count: None if count == 0 else answer(201, json.dumps(manifest).encode()))
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text(f"rows of {name}")
    found = ask(server.url, "add_dataset", "mine", [tmp_path / "a.csv", tmp_path / "b.csv"], options={"target": "y"})
    assert found.id == "ds_1"
    assert server.seen[1].path == "/datasets?name=mine&target=y"
    for seen in server.seen:
        assert b'filename="a.csv"' in seen.body
        assert b"rows of b.csv" in seen.body

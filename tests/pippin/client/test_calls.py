"""Both clients against a server that refuses, breaks off and comes back."""

import json
import socket
from pathlib import Path

import pytest

from pippin.client import Client, ServiceError, ServiceUnreachable
from pippin.errors import Fault, PippinError
from tests.pippin.client.conftest import Ask, Serve, job_document
from tests.support.records import DIGEST, TIME, worker_report
from tests.support.scripted_server import Answer

ACCEPTED = Answer(202, job_document())


def test_a_job_is_submitted_with_a_key_and_read_back(ask: Ask, serve: Serve) -> None:
    server = serve(ACCEPTED)
    request = {"model": {"preset": "mnist-cnn"}, "dataset": "mnist-sample"}
    assert ask(server.url, "submit", request).id == "job_1"
    (seen,) = server.seen
    assert (seen.method, seen.path, json.loads(seen.body)) == ("POST", "/jobs", request)
    assert seen.headers["idempotency-key"]


def test_submission_with_a_lost_reply_is_repeated_with_the_same_key(ask: Ask, serve: Serve) -> None:
    server = serve(None, ACCEPTED)
    assert ask(server.url, "submit", {"model": {"preset": "mnist-cnn"}, "dataset": "x"}).id == "job_1"
    first, second = server.seen
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]
    assert first.body == second.body


def test_submission_in_flight_is_repeated(ask: Ask, serve: Serve) -> None:
    server = serve(Answer(409, {}), ACCEPTED)
    assert ask(server.url, "submit", {}, idempotency_key="mine").id == "job_1"
    assert [seen.headers["idempotency-key"] for seen in server.seen] == ['"mine"'] * 2


def test_lasting_conflict_is_raised(ask: Ask, serve: Serve) -> None:
    with pytest.raises(ServiceError, match="In flight"):
        ask(serve(Answer(409, {"title": "In flight"})).url, "submit", {})


def test_cancellation_with_a_lost_reply_is_not_repeated(ask: Ask, serve: Serve) -> None:
    server = serve(None)
    with pytest.raises(ServiceUnreachable, match="connection broke"):
        ask(server.url, "cancel", "job_1")
    assert len(server.seen) == 1


def test_service_error_has_the_fields_of_the_problem(ask: Ask, serve: Serve) -> None:
    problem = {
        "title": "The request is not valid",
        "detail": "2 faults.",
        "errors": [
            {"pointer": "/a/0", "parameter": None, "detail": "too big", "rule": "a.size"},
            {"parameter": "limit", "detail": "no"},
        ],
    }
    with pytest.raises(ServiceError) as caught:
        ask(serve(Answer(422, problem)).url, "job", "job_1")
    error = caught.value
    assert (error.status, error.title, error.detail) == (422, "The request is not valid", "2 faults.")
    assert error.faults == (Fault("/a/0", "too big", "a.size"), Fault("limit", "no"))
    assert "/a/0: too big" in str(error)


@pytest.mark.parametrize("body", [b"<html>", b"[1]", b'{"errors": [3]}', b""])
def test_error_status_without_a_problem_document_is_raised(ask: Ask, serve: Serve, body: bytes) -> None:
    with pytest.raises(ServiceError, match="Service Unavailable"):
        ask(serve(Answer(503, body)).url, "job", "job_1")


@pytest.mark.parametrize(("method", "argument"), [("job", "job_1"), ("validate", {}), ("metrics", "job_1")])
def test_malformed_reply_is_reported_as_not_pippins(ask: Ask, serve: Serve, method: str, argument: object) -> None:
    with pytest.raises(ServiceError, match="Not a response of Pippin"):
        ask(serve(Answer(200, b"<html>hello</html>")).url, method, argument)


def test_unknown_members_of_a_reply_are_ignored(ask: Ask, serve: Serve) -> None:
    server = serve(Answer(200, job_document(progress={"epoch": 0, "epochs": 2, "step": 3}, priority=1)))
    assert ask(server.url, "job", "job_1").progress.epochs == 2


def test_a_list_is_read_to_its_end_page_by_page(ask: Ask, serve: Serve) -> None:
    def page(first: int, after: str | None) -> Answer:
        data = [job_document(id=f"job_{number}") for number in (first, first + 1)]
        return Answer(200, {"data": data, "has_more": after is not None, "next": after})

    server = serve(page(1, "c1"), page(3, None))
    jobs = ask(server.url, "jobs", status="queued", labels={"team": "a&b"})
    assert [job.id for job in jobs] == ["job_1", "job_2", "job_3", "job_4"]
    assert "label=team%3Da%26b" in server.seen[0].path
    assert "status=queued" in server.seen[0].path
    assert "after=c1" in server.seen[1].path


def test_no_more_is_fetched_than_the_limit(ask: Ask, serve: Serve) -> None:
    server = serve(Answer(200, {"data": [job_document()] * 2, "has_more": True, "next": "more"}))
    assert len(ask(server.url, "jobs", limit=1)) == 1
    assert ["limit=1" in seen.path for seen in server.seen] == [True]
    assert ask(server.url, "jobs", limit=0) == []


def test_delete_returns_none(ask: Ask, serve: Serve) -> None:
    server = serve(Answer(204))
    assert ask(server.url, "delete", "job/../1") is None
    assert (server.seen[0].method, server.seen[0].path) == ("DELETE", "/jobs/job%2F..%2F1")


def test_a_worker_is_drained_and_undrained(ask: Ask, serve: Serve) -> None:
    worker = worker_report(state="draining").model_dump(mode="json") | {"last_heartbeat": TIME.isoformat()}
    server = serve(Answer(202, worker))
    assert ask(server.url, "drain", "mac/1").state == "draining"
    assert ask(server.url, "drain", "mac", hand_back=True).name == "mac-1"
    assert ask(server.url, "undrain", "mac").name == "mac-1"
    assert [(seen.method, seen.path, seen.body) for seen in server.seen] == [
        ("POST", "/workers/mac%2F1/drain", b'{"hand_back":false}'),
        ("POST", "/workers/mac/drain", b'{"hand_back":true}'),
        ("DELETE", "/workers/mac/drain", b""),
    ]


def test_unreachable_service_is_reported_after_the_retries(ask: Ask) -> None:
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
    monkeypatch: pytest.MonkeyPatch, ask: Ask, serve: Serve
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    assert ask(serve(Answer(200, job_document())).url, "job", "job_1").id == "job_1"


def test_a_wait_ends_when_the_job_is_final(serve: Serve) -> None:
    server = serve(*(Answer(200, job_document(status=status)) for status in ("queued", "failed")))
    with Client(server.url) as client:
        assert client.wait("job_1").status == "failed"


def test_wait_raises_timeout_error_after_its_timeout(serve: Serve) -> None:
    with (
        Client(serve(Answer(200, job_document())).url) as client,
        pytest.raises(TimeoutError, match="job_1 is not final after"),
    ):
        client.wait("job_1", timeout=0.1)


def test_a_dataset_is_sent_as_one_body_of_its_files(ask: Ask, serve: Serve, tmp_path: Path) -> None:
    manifest = {"id": "ds_1", "name": "mine", "format": "csv", "digest": DIGEST, "bytes": 4}
    manifest |= {"features": [], "splits": [], "labels": None, "created_at": TIME.isoformat()}
    server = serve(None, Answer(201, manifest))
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text(f"rows of {name}")
    dataset = ask(server.url, "add_dataset", "mine", [tmp_path / "a.csv", tmp_path / "b.csv"], options={"target": "y"})
    assert dataset.id == "ds_1"
    assert server.seen[1].path == "/datasets?name=mine&target=y"
    for seen in server.seen:
        assert b'filename="a.csv"' in seen.body
        assert b"rows of b.csv" in seen.body

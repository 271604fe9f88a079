"""Pausing, resuming, retrying and checkpoints, with both clients."""

import json
from pathlib import Path

import pytest

from pippin.client import ServiceError, ServiceUnreachable
from tests.pippin.client.conftest import Ask, Serve, file_headers, job_document
from tests.support.records import TIME
from tests.support.scripted_server import Answer

ACCEPTED = Answer(202, job_document())


@pytest.mark.parametrize("method", ["pause", "resume", "retry"])
def test_pause_resume_and_retry_post_to_the_job(ask: Ask, serve: Serve, method: str) -> None:
    server = serve(ACCEPTED)
    assert ask(server.url, method, "job_1").id == "job_1"
    assert [(seen.method, seen.path) for seen in server.seen] == [("POST", f"/jobs/job_1/{method}")]


def test_pause_with_a_lost_reply_is_repeated(ask: Ask, serve: Serve) -> None:
    assert ask(serve(None, ACCEPTED).url, "pause", "job_1").id == "job_1"


def test_resume_with_a_lost_reply_is_not_repeated(ask: Ask, serve: Serve) -> None:
    server = serve(None)
    with pytest.raises(ServiceUnreachable):
        ask(server.url, "resume", "job_1")
    assert len(server.seen) == 1


def test_retry_with_a_lost_reply_is_repeated_with_the_same_key(ask: Ask, serve: Serve) -> None:
    server = serve(None, ACCEPTED)
    ask(server.url, "retry", "job_1", from_checkpoint=True)
    first, second = server.seen
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]
    assert json.loads(second.body) == {"from_checkpoint": True}
    ask(server.url, "retry", "job_1", idempotency_key="mine")
    assert server.seen[-1].headers["idempotency-key"] == '"mine"'


def test_refused_retry_is_raised_at_once(ask: Ask, serve: Serve) -> None:
    server = serve(Answer(409, {"title": "No", "detail": "It is running."}))
    with pytest.raises(ServiceError, match="It is running"):
        ask(server.url, "retry", "job_1")
    assert len(server.seen) == 1


def test_checkpoints_are_listed_and_downloaded(ask: Ask, serve: Serve, tmp_path: Path) -> None:
    kept = {"epoch": 2, "engine": "jax", "bytes": 7, "created_at": TIME.isoformat(), "url": "/x", "metrics": None}
    model = b"a model"
    headers = file_headers(model, 'attachment; filename="m-epoch-2.mlmodel"')
    server = serve(Answer(200, {"data": [kept]}), Answer(200, model, headers))
    assert [checkpoint.epoch for checkpoint in ask(server.url, "checkpoints", "job_1")] == [2]
    assert ask(server.url, "download_checkpoint", "job_1", 2, tmp_path) == tmp_path / "m-epoch-2.mlmodel"
    assert [seen.path for seen in server.seen] == ["/jobs/job_1/checkpoints", "/jobs/job_1/checkpoints/2/model"]

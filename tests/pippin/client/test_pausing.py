"""Pausing, resuming, retrying and checkpoints, with both clients."""

import base64
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pippin.client import ServiceError, ServiceUnreachable

Calls = Callable[..., Any]


@pytest.mark.parametrize("method", ["pause", "resume", "retry"])
def test_pause_resume_and_retry_post_to_the_job(
    *, ask: Calls, serve: Calls, answer: Calls, job_document: dict[str, Any], method: str
) -> None:
    server = serve(lambda *_: answer(202, json.dumps(job_document).encode()))
    assert ask(server.url, method, "job_1").id == "job_1"
    assert [(seen.method, seen.path) for seen in server.seen] == [("POST", f"/jobs/job_1/{method}")]


def test_pause_with_a_lost_reply_is_repeated(
    ask: Calls, serve: Calls, answer: Calls, job_document: dict[str, Any]
) -> None:
    server = serve(lambda _, n: None if n == 0 else answer(202, json.dumps(job_document).encode()))
    assert ask(server.url, "pause", "job_1").id == "job_1"


def test_resume_with_a_lost_reply_is_not_repeated(ask: Calls, serve: Calls) -> None:
    server = serve(lambda *_: None)
    with pytest.raises(ServiceUnreachable):
        ask(server.url, "resume", "job_1")
    assert len(server.seen) == 1


def test_retry_with_a_lost_reply_is_repeated_with_the_same_key(
    ask: Calls, serve: Calls, answer: Calls, job_document: dict[str, Any]
) -> None:
    server = serve(lambda _, n: None if n == 0 else answer(202, json.dumps(job_document).encode()))
    ask(server.url, "retry", "job_1", from_checkpoint=True)
    first, second = server.seen
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]
    assert json.loads(second.body) == {"from_checkpoint": True}
    ask(server.url, "retry", "job_1", idempotency_key="mine")
    assert server.seen[-1].headers["idempotency-key"] == '"mine"'


def test_refused_retry_is_raised_at_once(ask: Calls, serve: Calls, answer: Calls) -> None:
    server = serve(lambda *_: answer(409, b'{"title": "No", "detail": "It is running."}'))
    with pytest.raises(ServiceError, match="It is running"):
        ask(server.url, "retry", "job_1")
    assert len(server.seen) == 1


def test_checkpoints_are_listed_and_downloaded(ask: Calls, serve: Calls, answer: Calls, tmp_path: Path) -> None:
    kept = {"epoch": 2, "engine": "jax", "bytes": 7, "created_at": "2026-11-23T10:00:00Z", "url": "/x", "metrics": None}
    model = b"a model"
    digest = base64.b64encode(hashlib.sha256(model).digest()).decode()
    headers = {"repr-digest": f"sha-256=:{digest}:", "content-disposition": 'attachment; filename="m-epoch-2.mlmodel"'}
    server = serve(
        lambda seen, _: (
            answer(200, model, headers)
            if seen.path.endswith("/model")
            else answer(200, json.dumps({"data": [kept]}).encode())
        )
    )
    assert [found.epoch for found in ask(server.url, "checkpoints", "job_1")] == [2]
    assert ask(server.url, "download_checkpoint", "job_1", 2, tmp_path) == tmp_path / "m-epoch-2.mlmodel"
    assert [seen.path for seen in server.seen] == ["/jobs/job_1/checkpoints", "/jobs/job_1/checkpoints/2/model"]

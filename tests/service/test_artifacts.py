import base64
import hashlib
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from pippin.blobs import Blobs
from tests.service.conftest import MakeTrainer, Submit
from tests.service.hostile_models import mnist_file
from tests.support.problems import fault, is_problem

CONTENT = bytes(range(256)) * 40
HEX = hashlib.sha256(CONTENT).hexdigest()
ETAG = f'"{HEX}"'


@pytest.fixture
def train(start_job: MakeTrainer, blobs: Blobs) -> Callable[..., str]:
    """Trains a job to the model `CONTENT`; returns the model's path."""

    def train_one(**changes: object) -> str:
        attempt = start_job(**changes)
        attempt.artifact("initial", blobs.put_bytes(b"initial"), 7)
        attempt.succeed(blobs.put_bytes(CONTENT), len(CONTENT))
        return f"{attempt.path}/model"

    return train_one


@pytest.fixture
def path(train: Callable[..., str]) -> str:
    """The path of a job's trained model."""
    return train()


def test_trained_model_has_etag_and_repr_digest(http: httpx2.Client, path: str) -> None:
    answer = http.get(path)
    assert (answer.status_code, answer.content) == (200, CONTENT)
    encoded = base64.b64encode(hashlib.sha256(CONTENT).digest()).decode()
    expected = {
        "content-type": "application/octet-stream",
        "content-length": str(len(CONTENT)),
        "etag": ETAG,
        "repr-digest": f"sha-256=:{encoded}:",
        "content-disposition": 'attachment; filename="mnist-cnn.mlmodel"',
        "accept-ranges": "bytes",
    }
    assert {name: answer.headers[name] for name in expected} == expected


def test_head_returns_the_headers_of_get(http: httpx2.Client, path: str) -> None:
    head, got = http.head(path), http.get(path)
    assert (head.status_code, head.content) == (200, b"")
    headers_of_head, headers_of_get = (
        {name: value for name, value in answer.headers.items() if name not in {"date", "x-request-id"}}
        for answer in (head, got)
    )
    assert headers_of_head == headers_of_get


def test_variants_have_different_content_and_file_names(http: httpx2.Client, path: str) -> None:
    answer = http.get(path, params={"variant": "initial"})
    assert answer.content == b"initial"
    assert answer.headers["content-disposition"] == 'attachment; filename="mnist-cnn-initial.mlmodel"'


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("Zahlen:ÄÖÜ", "Zahlen-%C3%84%C3%96%C3%9C.mlmodel"),
        ('a"; filename=evil', '"a-; filename=evil.mlmodel"'),
        ("???", '"job_'),
    ],
)
def test_file_is_named_after_the_job(http: httpx2.Client, train: Callable[..., str], name: str, file: str) -> None:
    assert file in http.get(train(name=name)).headers["content-disposition"]


def test_file_of_an_unnamed_job_is_named_after_its_uploaded_model_or_its_id(
    http: httpx2.Client, train: Callable[..., str], mnist_spec: dict[str, Any]
) -> None:
    path = train(model={"spec": mnist_spec})
    assert f'"{path.split("/")[2]}.mlmodel"' in http.get(path).headers["content-disposition"]
    assert http.post("/models?name=my digits", content=mnist_file()).status_code == 201
    disposition = http.get(train(model={"id": "my digits"})).headers["content-disposition"]
    assert disposition == 'attachment; filename="my digits.mlmodel"'


@pytest.mark.parametrize("known", [ETAG, f"W/{ETAG}", f'"x", {ETAG}', "*"])
def test_matching_etag_is_a_304(http: httpx2.Client, path: str, known: str) -> None:
    answer = http.get(path, headers={"if-none-match": known})
    assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", ETAG)


@pytest.mark.parametrize(
    ("requested", "if_range", "start", "stop"),
    [
        ("bytes=0-9", None, 0, 10),
        ("bytes=-40", None, 10200, 10240),
        ("bytes=100-", ETAG, 100, 10240),
    ],
)
def test_range_request_returns_a_part(
    *, http: httpx2.Client, path: str, requested: str, if_range: str | None, start: int, stop: int
) -> None:
    answer = http.get(path, headers={"range": requested} | ({"if-range": if_range} if if_range else {}))
    assert (answer.status_code, answer.content) == (206, CONTENT[start:stop])
    assert answer.headers["content-range"] == f"bytes {start}-{stop - 1}/{len(CONTENT)}"
    assert (answer.headers["content-length"], answer.headers["etag"]) == (str(stop - start), ETAG)


def test_unsupported_range_or_another_etag_returns_the_whole_file(http: httpx2.Client, path: str) -> None:
    changed = ('"other"', f"W/{ETAG}", "Mon, 23 Nov 2026 00:00:00 GMT")
    for headers in ({"range": "lines=1-2"}, *({"range": "bytes=100-", "if-range": etag} for etag in changed)):
        answer = http.get(path, headers=headers)
        assert (answer.status_code, answer.content) == (200, CONTENT), headers


def test_range_outside_the_file_is_a_416_with_the_size(http: httpx2.Client, path: str) -> None:
    answer = http.get(path, headers={"range": "bytes=10240-"})
    is_problem(answer, 416, "range-not-satisfiable")
    assert answer.headers["content-range"] == "bytes */10240"


def test_missing_model_is_a_409_before_the_job_ends_and_a_404_afterwards(
    http: httpx2.Client, submit: Submit, trainer: MakeTrainer
) -> None:
    attempt = trainer(submit()["id"])
    path = f"{attempt.path}/model"
    is_problem(http.get(path), 409, "state-conflict")
    attempt.begin()
    assert "running" in is_problem(http.get(path), 409, "state-conflict")["detail"]
    attempt.fail()
    assert "failed" in is_problem(http.get(path), 404, "not-found")["detail"]
    assert http.head(path).status_code == 404


def test_unknown_variant_is_refused(http: httpx2.Client, path: str) -> None:
    place, _ = fault(http.get(path, params={"variant": "quantized"}))
    assert place == "variant"


def test_lost_blob_is_a_503(http: httpx2.Client, path: str, blobs: Blobs) -> None:
    blobs.delete(HEX)
    answer = http.get(path)
    is_problem(answer, 503, "unavailable")
    assert answer.headers["retry-after"]

import base64
import hashlib
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from pippin.blobs import Blobs
from tests.support.problems import is_problem

Submit = Callable[..., dict[str, Any]]

CONTENT = bytes(range(256)) * 40
HEX = hashlib.sha256(CONTENT).hexdigest()
ETAG = f'"{HEX}"'


@pytest.fixture
def path(submit: Submit, trainer: Callable[[str], Any], blobs: Blobs) -> str:
    """The path of a job's trained model."""
    attempt = trainer(submit()["id"])
    attempt.begin()
    attempt.artifact("initial", blobs.put_bytes(b"initial"), 7)
    attempt.succeed(blobs.put_bytes(CONTENT), len(CONTENT))
    return f"/jobs/{attempt.job_id}/model"


def test_trained_model_has_etag_and_repr_digest(http: httpx2.Client, path: str) -> None:
    answer = http.get(path)
    assert answer.status_code == 200
    assert answer.content == CONTENT
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-length"] == str(len(CONTENT))
    assert answer.headers["etag"] == ETAG
    encoded = base64.b64encode(hashlib.sha256(CONTENT).digest()).decode()
    assert answer.headers["repr-digest"] == f"sha-256=:{encoded}:"
    assert answer.headers["content-disposition"] == 'attachment; filename="mnist-cnn.mlmodel"'
    assert answer.headers["accept-ranges"] == "bytes"


def test_head_returns_the_headers_of_get(http: httpx2.Client, path: str) -> None:
    head, got = http.head(path), http.get(path)
    assert (head.status_code, head.content) == (200, b"")
    ignored = {"date", "x-request-id"}
    head_headers = {name: value for name, value in head.headers.items() if name not in ignored}
    assert head_headers == {name: value for name, value in got.headers.items() if name not in ignored}


def test_variants_have_different_content_and_file_names(http: httpx2.Client, path: str) -> None:
    answer = http.get(path, params={"variant": "initial"})
    assert answer.content == b"initial"
    assert answer.headers["content-disposition"] == 'attachment; filename="mnist-cnn-initial.mlmodel"'


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"name": "Zahlen:ÄÖÜ"}, "Zahlen-%C3%84%C3%96%C3%9C.mlmodel"),
        ({"name": 'a"; filename=evil'}, '"a-; filename=evil.mlmodel"'),
        ({"name": "???"}, '"job_'),
    ],
)
def test_file_is_named_after_the_job(
    *,
    http: httpx2.Client,
    submit: Submit,
    trainer: Callable[[str], Any],
    blobs: Blobs,
    change: dict[str, str],
    name: str,
) -> None:
    job_id = submit(**change)["id"]
    attempt = trainer(job_id)
    attempt.begin()
    attempt.succeed(blobs.put_bytes(CONTENT), len(CONTENT))
    assert name in http.get(f"/jobs/{job_id}/model").headers["content-disposition"]


def test_file_of_an_unnamed_spec_job_is_named_by_its_id(
    *,
    http: httpx2.Client,
    submit: Submit,
    trainer: Callable[[str], Any],
    blobs: Blobs,
    mnist_spec: dict[str, Any],
) -> None:
    job_id = submit(model={"spec": mnist_spec})["id"]
    attempt = trainer(job_id)
    attempt.begin()
    attempt.succeed(blobs.put_bytes(CONTENT), len(CONTENT))
    assert f'"{job_id}.mlmodel"' in http.get(f"/jobs/{job_id}/model").headers["content-disposition"]


def test_file_of_an_unnamed_job_is_named_after_its_uploaded_model(
    *, http: httpx2.Client, submit: Submit, trainer: Callable[[str], Any], blobs: Blobs, mnist_spec: dict[str, Any]
) -> None:
    assert http.post("/models?name=my digits", json=mnist_spec).status_code == 201
    attempt = trainer(submit(model={"id": "my digits"})["id"])
    attempt.begin()
    attempt.succeed(blobs.put_bytes(CONTENT), len(CONTENT))
    disposition = http.get(f"/jobs/{attempt.job_id}/model").headers["content-disposition"]
    assert disposition == 'attachment; filename="my digits.mlmodel"'


@pytest.mark.parametrize("known", [ETAG, f"W/{ETAG}", f'"x", {ETAG}', "*"])
def test_matching_etag_is_a_304(http: httpx2.Client, path: str, known: str) -> None:
    answer = http.get(path, headers={"if-none-match": known})
    assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", ETAG)


@pytest.mark.parametrize(
    ("requested", "start", "stop"),
    [("bytes=0-9", 0, 10), ("bytes=10000-", 10000, 10240), ("bytes=-40", 10200, 10240), ("bytes=9-99999", 9, 10240)],
)
def test_range_request_returns_a_part(http: httpx2.Client, path: str, requested: str, start: int, stop: int) -> None:
    answer = http.get(path, headers={"range": requested})
    assert answer.status_code == 206
    assert answer.content == CONTENT[start:stop]
    assert answer.headers["content-range"] == f"bytes {start}-{stop - 1}/{len(CONTENT)}"
    assert answer.headers["content-length"] == str(stop - start)
    assert answer.headers["etag"] == ETAG


def test_if_range_resumes_only_with_the_same_etag(http: httpx2.Client, path: str) -> None:
    same = http.get(path, headers={"range": "bytes=100-", "if-range": ETAG})
    assert (same.status_code, same.content) == (206, CONTENT[100:])
    for other in ('"other"', f"W/{ETAG}", "Mon, 23 Nov 2026 00:00:00 GMT"):
        whole = http.get(path, headers={"range": "bytes=100-", "if-range": other})
        assert (whole.status_code, whole.content) == (200, CONTENT)


def test_range_outside_the_file_is_a_416_with_the_size(http: httpx2.Client, path: str) -> None:
    answer = http.get(path, headers={"range": "bytes=10240-"})
    is_problem(answer, 416, "range-not-satisfiable")
    assert answer.headers["content-range"] == "bytes */10240"


@pytest.mark.parametrize("requested", ["bytes=0-1,5-6", "bytes=9-1", "lines=1-2"])
def test_unsupported_range_returns_the_whole_file(http: httpx2.Client, path: str, requested: str) -> None:
    answer = http.get(path, headers={"range": requested})
    assert (answer.status_code, answer.content) == (200, CONTENT)


def test_missing_model_is_a_409_before_the_job_ends_and_a_404_afterwards(
    http: httpx2.Client, submit: Submit, trainer: Callable[[str], Any]
) -> None:
    job_id = submit()["id"]
    path = f"/jobs/{job_id}/model"
    is_problem(http.get(path), 409, "state-conflict")
    attempt = trainer(job_id)
    attempt.begin()
    assert "running" in is_problem(http.get(path), 409, "state-conflict")["detail"]
    attempt.fail()
    assert "failed" in is_problem(http.get(path), 404, "not-found")["detail"]
    assert http.head(path).status_code == 404


def test_unknown_variant_is_refused(http: httpx2.Client, path: str) -> None:
    problem = is_problem(http.get(path, params={"variant": "quantized"}), 422, "invalid-request")
    assert problem["errors"][0]["parameter"] == "variant"


def test_lost_blob_is_a_503(http: httpx2.Client, path: str, blobs: Blobs) -> None:
    blobs.delete(HEX)
    answer = http.get(path)
    is_problem(answer, 503, "unavailable")
    assert answer.headers["retry-after"]

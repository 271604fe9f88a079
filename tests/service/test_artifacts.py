import base64
import hashlib
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from pippin.blobs import Blobs

IsProblem = Callable[..., dict[str, Any]]
Submit = Callable[..., dict[str, Any]]

CONTENT = bytes(range(256)) * 40
HEX = hashlib.sha256(CONTENT).hexdigest()
ETAG = f'"{HEX}"'


@pytest.fixture
def path(submit: Submit, trainer: Callable[[str], Any], blobs: Blobs) -> str:
    """Where a job's trained model is."""
    attempt = trainer(submit()["id"])
    attempt.begin()
    attempt.artifact("initial", blobs.put_bytes(b"initial"), 7)
    attempt.succeed(blobs.put_bytes(CONTENT), len(CONTENT))
    return f"/jobs/{attempt.job_id}/model"


def test_the_trained_model_comes_with_its_digest_in_both_forms(http: httpx2.Client, path: str) -> None:
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


def test_head_tells_all_but_the_content(http: httpx2.Client, path: str) -> None:
    head, got = http.head(path), http.get(path)
    assert (head.status_code, head.content) == (200, b"")
    ignored = {"date", "x-request-id"}
    told = {name: value for name, value in head.headers.items() if name not in ignored}
    assert told == {name: value for name, value in got.headers.items() if name not in ignored}


def test_variants_are_different_files_with_different_names(http: httpx2.Client, path: str) -> None:
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
def test_the_file_is_called_as_the_job_is(
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


def test_a_job_of_a_spec_without_a_name_gives_a_file_named_by_its_id(
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


def test_a_job_of_an_uploaded_model_without_a_name_of_its_own_gives_a_file_named_as_that_model(
    *, http: httpx2.Client, submit: Submit, trainer: Callable[[str], Any], blobs: Blobs, mnist_spec: dict[str, Any]
) -> None:
    assert http.post("/models?name=my digits", json=mnist_spec).status_code == 201
    attempt = trainer(submit(model={"id": "my digits"})["id"])
    attempt.begin()
    attempt.succeed(blobs.put_bytes(CONTENT), len(CONTENT))
    disposition = http.get(f"/jobs/{attempt.job_id}/model").headers["content-disposition"]
    assert disposition == 'attachment; filename="my digits.mlmodel"'


@pytest.mark.parametrize("known", [ETAG, f"W/{ETAG}", f'"x", {ETAG}', "*"])
def test_a_client_that_has_the_file_is_not_sent_it_again(http: httpx2.Client, path: str, known: str) -> None:
    answer = http.get(path, headers={"if-none-match": known})
    assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", ETAG)


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [("bytes=0-9", 0, 10), ("bytes=10000-", 10000, 10240), ("bytes=-40", 10200, 10240), ("bytes=9-99999", 9, 10240)],
)
def test_a_part_of_the_file_can_be_asked_for(http: httpx2.Client, path: str, asked: str, start: int, stop: int) -> None:
    answer = http.get(path, headers={"range": asked})
    assert answer.status_code == 206
    assert answer.content == CONTENT[start:stop]
    assert answer.headers["content-range"] == f"bytes {start}-{stop - 1}/{len(CONTENT)}"
    assert answer.headers["content-length"] == str(stop - start)
    assert answer.headers["etag"] == ETAG


def test_a_broken_download_goes_on_only_with_the_same_file(http: httpx2.Client, path: str) -> None:
    same = http.get(path, headers={"range": "bytes=100-", "if-range": ETAG})
    assert (same.status_code, same.content) == (206, CONTENT[100:])
    for other in ('"other"', f"W/{ETAG}", "Mon, 23 Nov 2026 00:00:00 GMT"):
        whole = http.get(path, headers={"range": "bytes=100-", "if-range": other})
        assert (whole.status_code, whole.content) == (200, CONTENT)


def test_a_part_outside_the_file_is_refused_with_its_size(
    http: httpx2.Client, path: str, is_problem: IsProblem
) -> None:
    answer = http.get(path, headers={"range": "bytes=10240-"})
    is_problem(answer, 416, "range-not-satisfiable")
    assert answer.headers["content-range"] == "bytes */10240"


@pytest.mark.parametrize("asked", ["bytes=0-1,5-6", "bytes=9-1", "lines=1-2"])
def test_any_other_range_gives_the_whole_file(http: httpx2.Client, path: str, asked: str) -> None:
    answer = http.get(path, headers={"range": asked})
    assert (answer.status_code, answer.content) == (200, CONTENT)


def test_a_model_that_is_not_made_yet_is_a_conflict_and_one_that_never_will_be_is_not_found(
    http: httpx2.Client, submit: Submit, trainer: Callable[[str], Any], is_problem: IsProblem
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


def test_a_variant_that_nobody_knows_is_refused(http: httpx2.Client, path: str, is_problem: IsProblem) -> None:
    problem = is_problem(http.get(path, params={"variant": "quantized"}), 422, "invalid-request")
    assert problem["errors"][0]["parameter"] == "variant"


def test_a_file_that_the_store_has_lost_is_no_internal_error(
    http: httpx2.Client, path: str, blobs: Blobs, is_problem: IsProblem
) -> None:
    blobs.delete(HEX)
    answer = http.get(path)
    is_problem(answer, 503, "unavailable")
    assert answer.headers["retry-after"]

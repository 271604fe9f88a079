import hashlib
from collections.abc import Iterator

import httpx2
import pytest

from pippin.blobs import Blobs
from tests.service.conftest import RunningService, unannounced
from tests.support.problems import fault, is_problem

CONTENT = b"weights" * 1000
HEX = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def nothing_stored(service: RunningService, blobs: Blobs) -> Iterator[None]:
    """Asserts that the test adds no blob and leaves no upload."""
    before = set(blobs.names())
    yield
    assert set(blobs.names()) == before
    assert service.uploads() == []


def test_stored_blob_can_be_read_whole_and_in_part(http: httpx2.Client, service: RunningService) -> None:
    for _ in range(2):
        assert http.put(f"/blobs/{HEX}", content=CONTENT).status_code == 204
    answer = http.get(f"/blobs/{HEX}")
    assert (answer.content, answer.headers["etag"]) == (CONTENT, f'"{HEX}"')
    assert http.get(f"/blobs/{HEX}", headers={"range": "bytes=7-13"}).content == b"weights"
    head = http.head(f"/blobs/{HEX}")
    assert (head.headers["content-length"], head.content) == (str(len(CONTENT)), b"")
    assert service.uploads() == []


@pytest.mark.usefixtures("nothing_stored")
def test_digest_mismatch_stores_nothing(http: httpx2.Client) -> None:
    body = b"something else entirely"
    _, detail = fault(http.put(f"/blobs/{HEX[::-1]}", content=body))
    assert hashlib.sha256(body).hexdigest() in detail


@pytest.mark.usefixtures("nothing_stored")
def test_too_large_body_stores_nothing_even_without_content_length(http: httpx2.Client) -> None:
    for body in (unannounced(), bytes(2_000_001)):
        is_problem(http.put(f"/blobs/{HEX}", content=body), 413, "body-too-large")


def test_invalid_or_unknown_digest_is_not_found(http: httpx2.Client) -> None:
    for name in ("0" * 64, "abc", HEX.upper(), f"{HEX}0", "..%2f..%2fetc"):
        is_problem(http.get(f"/blobs/{name}"), 404, "not-found")
    is_problem(http.put("/blobs/abc", content=b"x"), 404, "not-found")


def test_a_damaged_blob_is_never_delivered_whole(http: httpx2.Client, service: RunningService) -> None:
    content = b"soon damaged" * 1000
    name = hashlib.sha256(content).hexdigest()
    assert http.put(f"/blobs/{name}", content=content).status_code == 204
    path = service.blob_path(name)
    path.write_bytes(bytes(255 - byte for byte in content))
    with pytest.raises(httpx2.RemoteProtocolError):
        http.get(f"/blobs/{name}")
    path.unlink()


def test_a_truncated_model_is_refused_before_its_download_begins(
    http: httpx2.Client, service: RunningService, mnist_spec: dict[str, object]
) -> None:
    record = http.post("/models", json=mnist_spec).json()
    path = service.blob_path(record["digest"])
    path.write_bytes(path.read_bytes()[:-1])
    problem = is_problem(http.get(f"/models/{record['id']}/file"), 500, "blob-damaged")
    assert record["digest"] in problem["detail"]
    http.delete(f"/models/{record['id']}")
    path.unlink()

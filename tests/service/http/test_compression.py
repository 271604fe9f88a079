"""Compression of answers."""

import gzip

import httpx2
import pytest

from tests.service.conftest import Submit


def raw(http: httpx2.Client, path: str, **headers: str) -> tuple[httpx2.Response, bytes]:
    """An answer and its body as it was sent."""
    with http.stream("GET", path, headers=headers) as answer:
        return answer, b"".join(answer.iter_raw())


@pytest.mark.parametrize("path", ["/openapi.json", "/", "/docs/assets/swagger-ui.css", "/presets"])
def test_text_is_compressed_for_clients_that_accept_it(http: httpx2.Client, path: str) -> None:
    answer, compressed = raw(http, path, **{"accept-encoding": "gzip"})
    plain, content = raw(http, path, **{"accept-encoding": "identity"})
    assert (answer.headers["content-encoding"], "content-encoding" in plain.headers) == ("gzip", False)
    assert gzip.decompress(compressed) == content
    assert len(compressed) < 0.6 * len(content)
    for each in (answer, plain):
        assert "accept-encoding" in each.headers["vary"].lower()


def test_models_and_ranges_are_sent_as_they_are(http: httpx2.Client) -> None:
    answer, content = raw(http, "/presets/mnist-cnn/file", **{"accept-encoding": "gzip"})
    assert "content-encoding" not in answer.headers
    part, _ = raw(http, "/presets/mnist-cnn/file", **{"accept-encoding": "gzip", "range": "bytes=0-99"})
    assert (part.status_code, "content-encoding" in part.headers) in ((206, False), (200, False))
    assert len(content) > 100_000


def test_one_weak_tag_stands_for_both_encodings(http: httpx2.Client, submit: Submit) -> None:
    path = f"/jobs/{submit()['id']}"
    tags = [raw(http, path, **{"accept-encoding": coding})[0].headers["etag"] for coding in ("gzip", "identity")]
    assert tags[0] == tags[1]
    assert tags[0].startswith('W/"')
    for tag in (tags[0], tags[0].removeprefix("W/")):
        assert http.get(path, headers={"if-none-match": tag}).status_code == 304

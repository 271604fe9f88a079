import base64
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pippin.client import DamagedDownloadError, ServiceError

Calls = Callable[..., Any]

MODEL = b"a model" * 1000


def headers(content: bytes = MODEL, disposition: str = 'attachment; filename="mnist.mlmodel"') -> dict[str, str]:
    digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
    return {"repr-digest": f"md5=:AAAA:, sha-256=:{digest}:", "content-disposition": disposition}


def test_model_is_saved_under_the_given_name(ask: Calls, serve: Calls, answer: Calls, tmp_path: Path) -> None:
    server = serve(lambda *_: answer(200, MODEL, headers()))
    target = tmp_path / "mine.mlmodel"
    assert ask(server.url, "download", "job_1", target, variant="initial") == target
    assert target.read_bytes() == MODEL
    assert server.seen[0].path == "/jobs/job_1/model?variant=initial"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ('attachment; filename="mnist.mlmodel"', "mnist.mlmodel"),
        ("attachment; filename=\"m_st.mlmodel\"; filename*=UTF-8''m%C3%A4st.mlmodel", "mäst.mlmodel"),
        ('attachment; filename="../../evil.mlmodel"', "evil.mlmodel"),
        ("attachment; filename*=UTF-8''..%2F..%2Fevil.mlmodel", "evil.mlmodel"),
        ('attachment; filename=".."', "model.mlmodel"),
        ("attachment", "model.mlmodel"),
    ],
)
def test_download_into_a_folder_uses_only_the_services_file_name(
    ask: Calls, serve: Calls, answer: Calls, tmp_path: Path, *, disposition: str, name: str
) -> None:
    server = serve(lambda *_: answer(200, MODEL, headers(disposition=disposition)))
    assert ask(server.url, "download", "job_1", tmp_path) == tmp_path / name


def test_broken_download_is_restarted(ask: Calls, serve: Calls, answer: Calls, tmp_path: Path) -> None:
    server = serve(lambda _, n: answer(200, MODEL[: 10 if n == 0 else None], headers(), cut=n == 0))
    assert ask(server.url, "download", "job_1", tmp_path).read_bytes() == MODEL


@pytest.mark.parametrize(
    "extra", [headers(b"another"), {}, {"repr-digest": "sha-256=:?:"}, {"repr-digest": "sha-512=:AA==:"}]
)
def test_download_with_a_wrong_digest_is_not_kept(
    ask: Calls, serve: Calls, answer: Calls, tmp_path: Path, extra: dict[str, str]
) -> None:
    server = serve(lambda *_: answer(200, MODEL, extra))
    kept = tmp_path / "mine.mlmodel"
    kept.write_bytes(b"an older one")
    with pytest.raises(DamagedDownloadError, match="nothing was written"):
        ask(server.url, "download", "job_1", kept)
    assert kept.read_bytes() == b"an older one"
    assert list(tmp_path.iterdir()) == [kept]


def test_absent_model_is_reported(ask: Calls, serve: Calls, answer: Calls, tmp_path: Path) -> None:
    server = serve(lambda *_: answer(409, b'{"title": "Not yet"}'))
    with pytest.raises(ServiceError, match="Not yet"):
        ask(server.url, "download", "job_1", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_unwritable_file_is_named_by_the_given_path(ask: Calls, serve: Calls, answer: Calls, tmp_path: Path) -> None:
    server = serve(lambda *_: answer(200, MODEL, headers()))
    target = tmp_path / "no" / "mine.mlmodel"
    with pytest.raises(FileNotFoundError) as caught:
        ask(server.url, "download", "job_1", target)
    assert (caught.value.filename, ".part" in str(caught.value)) == (str(target), False)


def test_a_device_is_not_replaced_by_a_file(ask: Calls, serve: Calls, answer: Calls, tmp_path: Path) -> None:
    server = serve(lambda *_: answer(200, MODEL, headers()))
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(OSError, match="not a regular file"):
        ask(server.url, "download", "job_1", pipe)
    assert pipe.is_fifo()


@pytest.mark.parametrize("name", ["x" * 255, "ü" * 127, "x" * 247 + ".mlmodel"])
def test_the_longest_names_can_be_written(ask: Calls, serve: Calls, answer: Calls, tmp_path: Path, name: str) -> None:
    server = serve(lambda *_: answer(200, MODEL, headers()))
    assert ask(server.url, "download", "job_1", tmp_path / name).read_bytes() == MODEL


def test_too_long_name_from_the_service_is_shortened(ask: Calls, serve: Calls, answer: Calls, tmp_path: Path) -> None:
    disposition = "attachment; filename*=UTF-8''" + "%E6%9D%B1" * 200 + ".mlmodel"
    server = serve(lambda *_: answer(200, MODEL, headers(disposition=disposition)))
    assert ask(server.url, "download", "job_1", tmp_path).name == "東" * 82 + ".mlmodel"

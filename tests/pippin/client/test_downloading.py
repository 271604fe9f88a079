import os
from pathlib import Path

import pytest

from pippin.client import DamagedDownloadError, ServiceError
from tests.pippin.client.conftest import Ask, Serve, file_headers
from tests.support.scripted_server import Answer

MODEL = b"a model" * 1000


def file(disposition: str = 'attachment; filename="mnist.mlmodel"') -> Answer:
    return Answer(200, MODEL, file_headers(MODEL, disposition))


def test_model_is_saved_under_the_given_name(ask: Ask, serve: Serve, tmp_path: Path) -> None:
    server = serve(file())
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
        ("attachment; filename*=UTF-8''" + "%E6%9D%B1" * 200 + ".mlmodel", "東" * 82 + ".mlmodel"),
    ],
    ids=["plain", "encoded", "path", "encoded path", "parent folder", "no name", "too long"],
)
def test_download_into_a_folder_uses_only_the_services_file_name(
    ask: Ask, serve: Serve, tmp_path: Path, *, disposition: str, name: str
) -> None:
    target = ask(serve(file(disposition)).url, "download", "job_1", tmp_path)
    assert target == tmp_path / name
    assert target.read_bytes() == MODEL


def test_broken_download_is_restarted(ask: Ask, serve: Serve, tmp_path: Path) -> None:
    server = serve(Answer(200, MODEL[:10], file().headers, cut=True), file())
    assert ask(server.url, "download", "job_1", tmp_path).read_bytes() == MODEL


@pytest.mark.parametrize(
    "headers",
    [
        file_headers(b"another", 'attachment; filename="mnist.mlmodel"'),
        {},
        {"repr-digest": "sha-256=:?:"},
        {"repr-digest": "sha-512=:AA==:"},
    ],
    ids=["another file's", "absent", "no base64", "another algorithm's"],
)
def test_download_with_a_wrong_digest_is_not_kept(
    ask: Ask, serve: Serve, tmp_path: Path, headers: dict[str, str]
) -> None:
    kept = tmp_path / "mine.mlmodel"
    kept.write_bytes(b"an older one")
    with pytest.raises(DamagedDownloadError, match="nothing was written"):
        ask(serve(Answer(200, MODEL, headers)).url, "download", "job_1", kept)
    assert kept.read_bytes() == b"an older one"
    assert list(tmp_path.iterdir()) == [kept]


def test_absent_model_is_reported(ask: Ask, serve: Serve, tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match="Not yet"):
        ask(serve(Answer(409, {"title": "Not yet"})).url, "download", "job_1", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_unwritable_file_is_named_by_the_given_path(ask: Ask, serve: Serve, tmp_path: Path) -> None:
    target = tmp_path / "no" / "mine.mlmodel"
    with pytest.raises(FileNotFoundError) as caught:
        ask(serve(file()).url, "download", "job_1", target)
    assert caught.value.filename == str(target)
    assert ".part" not in str(caught.value)


def test_a_device_is_not_replaced_by_a_file(ask: Ask, serve: Serve, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(OSError, match="not a regular file"):
        ask(serve(file()).url, "download", "job_1", pipe)
    assert pipe.is_fifo()


@pytest.mark.parametrize("name", ["x" * 255, "ü" * 127, "x" * 247 + ".mlmodel"], ids=["255", "254 bytes", "suffix"])
def test_the_longest_names_can_be_written(ask: Ask, serve: Serve, tmp_path: Path, name: str) -> None:
    assert ask(serve(file()).url, "download", "job_1", tmp_path / name).read_bytes() == MODEL

import gzip
import hashlib
from pathlib import Path
from unittest.mock import Mock

import pytest

from pippin.datasets import mnist
from pippin.datasets.errors import DatasetError

FILES = {"train-images-idx3-ubyte": b"one", "train-labels-idx1-ubyte": b"two"}


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small files in the place of the 55 MB of MNIST."""
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in FILES.items()}
    monkeypatch.setattr(mnist, "DIGESTS", digests)


@pytest.mark.usefixtures("known")
def test_compressed_and_plain_files_are_found(tmp_path: Path) -> None:
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(b"one"))
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(b"two")
    upload = mnist.collect(tmp_path)
    assert [file.name for file in upload.files] == ["train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte"]
    assert upload.files[1].digest == f"sha256:{hashlib.sha256(b'two').hexdigest()}"


@pytest.mark.usefixtures("known")
def test_every_missing_or_wrong_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(b"other")
    with pytest.raises(DatasetError) as raised:
        mnist.collect(tmp_path)
    missing, wrong = (fault.detail for fault in raised.value.faults)
    assert "has no file train-images-idx3-ubyte or train-images-idx3-ubyte.gz" in missing
    assert "is not MNIST's train-labels-idx1-ubyte: it has the SHA-256 d9298a10d1b073" in wrong


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize(
    "content", [b"two", gzip.compress(b"two", mtime=0)[:-6], b""], ids=["no gzip", "cut off", "empty"]
)
def test_file_that_cannot_be_unpacked_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "train-labels-idx1-ubyte.gz").write_bytes(content)
    with pytest.raises(DatasetError, match="is not MNIST's train-labels-idx1-ubyte"):
        mnist.collect(tmp_path)


def test_digests_cover_the_four_published_files(tmp_path: Path) -> None:
    assert set(mnist.DIGESTS) == {
        f"{split}-{kind}-ubyte" for split in ("train", "t10k") for kind in ("images-idx3", "labels-idx1")
    }
    with pytest.raises(DatasetError) as raised:
        mnist.collect(tmp_path)
    assert len(raised.value.faults) == 4


def test_too_large_file_is_not_read_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mnist, "DIGESTS", {"x": "0"})
    monkeypatch.setattr(mnist, "_MAX_BYTES", 2 * 2**20)
    digest = Mock()
    digest.hexdigest.return_value = ""
    monkeypatch.setattr("pippin.datasets.mnist.hashlib.sha256", lambda: digest)
    (tmp_path / "x.gz").write_bytes(gzip.compress(bytes(20 * 2**20)))
    with pytest.raises(DatasetError):
        mnist.collect(tmp_path)
    hashed = sum(len(call.args[0]) for call in digest.update.call_args_list)
    assert 0 < hashed <= 3 * 2**20

"""The MNIST database of handwritten digits: its four files, checked by their digests."""

import gzip
import hashlib
import zlib
from pathlib import Path

from pippin.datasets.errors import DatasetError
from pippin.datasets.upload import Upload
from pippin.errors import Fault

DIGESTS = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
"""The SHA-256 of the uncompressed content of each file."""

_MAX_BYTES = 60_000 * 28 * 28 + 16
_CHUNK = 2**20


def collect(folder: Path) -> Upload:
    """The four files of MNIST in a folder, each compressed (`.gz`) or not, checked by their digests.

    Raises:
        DatasetError: Files are missing or have another content; there is a fault for each file.
    """
    paths = []
    faults = []
    for name, digest in DIGESTS.items():
        path = next((path for path in (folder / f"{name}.gz", folder / name) if path.is_file()), None)
        if path is None:
            faults.append(Fault("", f"{folder} has no file {name} or {name}.gz"))
            continue
        actual = _digest(path)
        if actual != digest:
            content = "cannot be unpacked" if actual is None else f"has the SHA-256 {actual}, unpacked"
            faults.append(Fault("", f"{path} is not MNIST's {name}: it {content}, where {digest} would be right"))
        paths.append(path)
    if faults:
        raise DatasetError(faults)
    return Upload.of(*paths)


def _digest(path: Path) -> str | None:
    """The SHA-256 of the unpacked content; None if it cannot be unpacked. Stops after the size of MNIST's files."""
    hasher = hashlib.sha256()
    size = 0
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            while size <= _MAX_BYTES and (chunk := file.read(_CHUNK)):
                size += len(chunk)
                hasher.update(chunk)
    except (gzip.BadGzipFile, EOFError, zlib.error):
        return None
    return hasher.hexdigest()

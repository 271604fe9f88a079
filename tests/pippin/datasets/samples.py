"""Sample files like those of real uploads, and what the fixtures make of files."""

import io
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from pippin.api.datasets import StoredManifest
from pippin.datasets.limits import DatasetLimits
from pippin.datasets.options import DatasetOptions
from pippin.datasets.prepare import parse
from pippin.datasets.upload import Upload, spool

ORIENTATION = 0x0112

_IDX_CODES = {"u1": 0x08, "i1": 0x09, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}


@dataclass(frozen=True)
class Dataset:
    manifest: StoredManifest
    arrays: Mapping[str, NDArray[Any]]

    @property
    def labels(self) -> list[str] | None:
        return self.manifest.labels

    @property
    def notices(self) -> list[str]:
        return self.manifest.notices

    @property
    def splits(self) -> dict[str, int]:
        """The number of examples by split."""
        return {split.name: split.examples for split in self.manifest.splits}

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of an example by feature, in the manifest's order."""
        return {feature.name: feature.shape for feature in self.manifest.features}

    def feature(self, name: str) -> tuple[tuple[int, ...], str, float]:
        (feature,) = (feature for feature in self.manifest.features if feature.name == name)
        return feature.shape, feature.dtype, feature.scale

    def values(self, name: str) -> list[Any]:
        """An array as nested lists; `name` is `split/feature`."""
        values: list[Any] = self.arrays[name].tolist()
        return values


# The fixtures: each takes files by name, optionally limits, and options of the query as keywords.
Store = Callable[..., Dataset]
Refusal = Callable[..., str]
Details = Callable[..., list[str]]


def train_split_of(
    files: Mapping[str, bytes], options: DatasetOptions
) -> tuple[dict[str, NDArray[Any]], tuple[str, ...] | None]:
    """The arrays of the training split of files that are parsed without being stored, and the class names."""
    with TemporaryDirectory() as folder:
        upload = Upload(
            tuple(spool([content], Path(folder) / name, name=name, limit=10**6) for name, content in files.items())
        )
        parsed = parse(upload, options, DatasetLimits(max_unpacked_bytes=10**6), Path(folder))
        return {name: np.array(array) for name, array in parsed.splits["train"].items()}, parsed.labels


def encoded(
    pixels: Image.Image | NDArray[Any],
    form: str = "PNG",
    mode: str | None = None,
    **options: Any,  # noqa: ANN401 - Pillow's own
) -> bytes:
    """An image file."""
    file = io.BytesIO()
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(np.ascontiguousarray(pixels))
    (image.convert(mode) if mode else image).save(file, form, **options)
    return file.getvalue()


def picture(
    size: tuple[int, int] = (8, 8), mode: str = "L", form: str = "PNG", orientation: int | None = None
) -> bytes:
    """An image file of one color."""
    exif = Image.Exif()
    if orientation is not None:
        exif[ORIENTATION] = orientation
    return encoded(Image.new(mode, size, 77 if mode == "L" else (77, 88, 99)), form, exif=exif)


def raw_png(size: tuple[int, int], rows: Sequence[bytes], depth: int = 8, color: int = 0, key: bytes = b"") -> bytes:
    """A PNG of any bit depth and color type, with a color key if there is one (PNG 3rd edition, 11.3.1.1)."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", *size, depth, color, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(b"".join(b"\0" + row for row in rows)))
    return b"\x89PNG\r\n\x1a\n" + header + (chunk(b"tRNS", key) if key else b"") + pixels + chunk(b"IEND", b"")


PNG = picture()


def zipped(members: Mapping[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def pictures(*paths: str, content: bytes = PNG) -> dict[str, bytes]:
    """A ZIP with the same picture at each path."""
    return {"d.zip": zipped(dict.fromkeys(paths, content))}


def npz(**arrays: ArrayLike) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def idx(values: ArrayLike, kind: str = "u1") -> bytes:
    array = np.asarray(values, dtype=">" + kind)
    dims = b"".join(length.to_bytes(4, "big") for length in array.shape)
    return bytes([0, 0, _IDX_CODES[kind], array.ndim]) + dims + array.tobytes()


def tar(members: Mapping[str, bytes], mode: Literal["w", "w:gz"] = "w") -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode) as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return file.getvalue()


def table(*rows: str) -> bytes:
    """A CSV file of these lines."""
    return "".join(f"{row}\n" for row in rows).encode()


def digits(count: int) -> NDArray[np.uint8]:
    """[count, 8, 8]."""
    return np.arange(count * 64, dtype=np.uint8).reshape(count, 8, 8)


def labels_of(count: int) -> NDArray[np.int64]:
    """[count]."""
    return np.arange(count) % 2

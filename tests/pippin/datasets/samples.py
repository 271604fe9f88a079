"""Sample files like those of real uploads."""

import io
import tarfile
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

ORIENTATION = 0x0112


def picture(
    size: tuple[int, int] = (8, 8), mode: str = "L", form: str = "PNG", orientation: int | None = None
) -> bytes:
    file = io.BytesIO()
    exif = Image.Exif()
    if orientation is not None:
        exif[ORIENTATION] = orientation
    Image.new(mode, size, 77 if mode == "L" else (77, 88, 99)).save(file, form, exif=exif)
    return file.getvalue()


PNG = picture()


def zipped(members: Mapping[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def npz(**arrays: NDArray[Any]) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def tar(members: Mapping[str, bytes], mode: str = "w") -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode) as archive:  # type: ignore[call-overload]  # a mode with compression
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return file.getvalue()


def digits(count: int) -> NDArray[np.uint8]:
    """[count, 8, 8]."""
    return np.arange(count * 64, dtype=np.uint8).reshape(count, 8, 8)


def labels_of(count: int) -> NDArray[np.int64]:
    """[count]."""
    return np.arange(count) % 2

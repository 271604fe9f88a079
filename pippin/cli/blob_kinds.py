"""What a blob holds, by its first bytes, and how one whose record was lost becomes a file to upload again."""

import re
from enum import StrEnum
from pathlib import Path

import numpy as np

from pippin.blobs import BlobEntry, Blobs
from pippin.datasets.arrays import open_arrays

_HEAD = 64 * 1024
# safetensors: eight bytes with the header's length, then the header in JSON.
_CHECKPOINT = re.compile(rb'"__metadata__":\{"pippin":"\{\\"format\\":\\"pippin-checkpoint-')
_ARRAY = re.compile(rb'^\{"[^"/]+/[^"]+":\{"dtype":')
# Model.proto: field 1, specificationVersion, is a small number; field 2, description, is a message.
_MODEL = re.compile(rb"^\x08[\x01-\x1f]\x12")


class BlobKind(StrEnum):
    """What a blob holds."""

    DATASET = "dataset"
    MODEL = "model"
    CHECKPOINT = "checkpoint"
    UNKNOWN = "unknown"


def kind_of(blobs: Blobs, blob: BlobEntry) -> BlobKind:
    """What a blob holds, by its first 64 KB.

    Raises:
        BlobError: It could not be read.
    """
    head = b"".join(blobs.read(blob.digest, 0, _HEAD))
    if _MODEL.match(head):
        return BlobKind.MODEL
    length, header = int.from_bytes(head[:8], "little"), head[8:]
    if length > blob.bytes - 8:
        return BlobKind.UNKNOWN
    if _CHECKPOINT.search(header):
        return BlobKind.CHECKPOINT
    return BlobKind.DATASET if _ARRAY.match(header) else BlobKind.UNKNOWN


def to_upload(kind: BlobKind, blob: Path, folder: Path) -> Path:
    """A file that `POST /datasets` or `POST /models` accepts, made of a blob's content.

    Args:
        kind: `DATASET` or `MODEL`.
        blob: A copy of the blob.
        folder: Where the file is made.

    Raises:
        DatasetError: The content is damaged.
    """
    if kind is BlobKind.MODEL:
        return blob.rename(folder / "recovered.mlmodel")
    path = folder / "recovered.npz"
    # The arrays are mapped, and written in pieces: a dataset may be larger than memory.
    np.savez(path, **open_arrays(blob))  # type: ignore[arg-type] # the stub takes every name for an option
    return path

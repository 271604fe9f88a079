"""Recognises the kind of a blob by its first bytes, and turns a blob whose record was lost into a file to upload."""

import re
from enum import StrEnum
from pathlib import Path

import numpy as np

from pippin.blobs import BlobEntry, Blobs
from pippin.datasets.arrays import open_arrays

_HEAD_BYTES = 64 * 1024
# safetensors: eight bytes with the header's length, then the header in JSON.
_CHECKPOINT = re.compile(rb'"__metadata__":\{"pippin":"\{\\"format\\":\\"pippin-checkpoint-')
_ARRAY = re.compile(rb'^\{"[^"/]+/[^"]+":\{"dtype":')
# Model.proto: field 1, specificationVersion, is a small number; field 2, description, is a message.
_MODEL = re.compile(rb"^\x08[\x01-\x1f]\x12")


class BlobKind(StrEnum):
    """The kind of a blob's content."""

    DATASET = "dataset"
    MODEL = "model"
    CHECKPOINT = "checkpoint"
    UNKNOWN = "unknown"


def kind_of(blobs: Blobs, blob: BlobEntry) -> BlobKind:
    """The kind of a blob's content, recognised by its first 64 KiB.

    Raises:
        BlobError: The blob cannot be read.
    """
    head = b"".join(blobs.read(blob.digest, 0, _HEAD_BYTES))
    if _MODEL.match(head):
        return BlobKind.MODEL
    length, header = int.from_bytes(head[:8], "little"), head[8:]
    if length > blob.bytes - 8:
        return BlobKind.UNKNOWN
    if _CHECKPOINT.search(header):
        return BlobKind.CHECKPOINT
    return BlobKind.DATASET if _ARRAY.match(header) else BlobKind.UNKNOWN


def to_upload(kind: BlobKind, blob: Path, folder: Path) -> Path:
    """Turn a blob's content into a file that `POST /datasets` or `POST /models` accepts.

    Args:
        kind: `DATASET` or `MODEL`.
        blob: A copy of the blob.
        folder: The folder in which the file is created.

    Raises:
        DatasetError: The content is damaged.
    """
    if kind is BlobKind.MODEL:
        return blob.rename(folder / "recovered.mlmodel")
    path = folder / "recovered.npz"
    # The arrays are memory-mapped, and written in pieces: a dataset may be larger than the memory.
    np.savez(path, **open_arrays(blob))  # type: ignore[arg-type] # the stub treats every name as an option
    return path

"""Recognises files that Pippin does not read, so that a refusal can say what a file is and what to do with it.

Content decides; the name counts only where a format has no signature.
"""

import io
import re
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path, PurePath

from pippin.documents import file_signatures as kinds
from pippin.documents.file_signatures import FileKind

SAMPLE_BYTES = 4096
"""So much of a file's beginning is enough to recognise it."""


def kind_of(begin: bytes, name: str = "", *, is_whole: bool = False) -> FileKind | None:
    """What a file is; None when it may be something that Pippin reads, or is unknown.

    Args:
        begin: Its first `SAMPLE_BYTES` bytes, or all where it has fewer.
        name: As it was sent; "" where it has none.
        is_whole: Whether `begin` is the whole file, however long: a ZIP is then opened to see what it holds.
    """
    if not begin:
        return kinds.EMPTY
    if begin.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _kind_of_zip(begin, name, is_whole=is_whole)
    sample = begin[:SAMPLE_BYTES]
    if sample.startswith(b"\x1f\x8b"):
        return _kind_of_gzip(sample)
    by_suffix = kinds.SUFFIXES.get(PurePath(name).suffix.lower()) if b"\0" in sample else None
    return _by_signature(sample) or _by_structure(sample) or _by_text(sample) or by_suffix


def kind_of_members(names: Iterable[str]) -> FileKind | None:
    """What a ZIP or a folder that holds these paths is; None when it is nothing but a ZIP or a folder."""
    paths = [PurePath(name.replace("\\", "/")) for name in names]
    bases = {path.name for path in paths}
    folders = {part for path in paths for part in path.parts[:-1]}
    suffixes = {PurePath(folder).suffix.lower() for folder in folders}
    if "[Content_Types].xml" in bases:
        return kinds.OFFICE if folders & {"word", "ppt"} else kinds.EXCEL
    for is_so, kind in (
        ("com.apple.CoreML" in folders or ".mlpackage" in suffixes, kinds.PACKAGE),
        ("coremldata.bin" in bases or ".mlmodelc" in suffixes, kinds.COMPILED),
        ("saved_model.pb" in bases, kinds.SAVED_MODEL),
        ("data.pkl" in bases, kinds.TORCH),
        ({"config.json", "model.weights.h5"} <= bases, kinds.KERAS),
        ({"mimetype", "content.xml"} <= bases, kinds.OPEN_DOCUMENT),
        ("Document.iwa" in bases, kinds.NUMBERS),
    ):
        if is_so:
            return kind
    return None


def kind_of_folder(path: Path) -> FileKind | None:
    """What a folder is that other programs take for one file, such as an .mlpackage; None for any other."""
    return kinds.SUFFIXES.get(path.suffix.lower()) or kind_of_members(each.name for each in path.iterdir())


def _by_signature(begin: bytes) -> FileKind | None:
    signatures = kinds.SIGNATURES + (kinds.BINARY_SIGNATURES if b"\0" in begin else ())
    return next((kind for at, signature, kind in signatures if begin.startswith(signature, at)), None)


def _by_structure(begin: bytes) -> FileKind | None:
    if begin[:1] == b"\0" and begin[4:8] == b"ftyp":
        return kinds.BRANDS.get(begin[8:12], kinds.VIDEO)
    # The first opcode is PROTO, the second begins a value (Python's pickletools).
    if re.match(rb"\x80[\x02-\x05][\x80-\xff(\]}cX]", begin):
        return kinds.PICKLE
    if _is_tar(begin):
        return kinds.TAR
    # The length of a header, little-endian, and the header in JSON.
    if re.match(rb"[^\0][\s\S]{4}\0{3}\{\s*\"", begin):
        return kinds.SAFE_TENSORS
    return kinds.ONNX if _is_onnx(begin) else None


def _kind_of_zip(begin: bytes, name: str, *, is_whole: bool) -> FileKind:
    # The name in the header of the first entry: in a workbook the list of its types.
    names = [begin[30 : 30 + int.from_bytes(begin[26:28], "little")].decode(errors="replace")]
    if is_whole:
        names = _members(begin) or names
    return kind_of_members(names) or kinds.SUFFIXES.get(PurePath(name).suffix.lower()) or kinds.ZIP


def _members(data: bytes) -> list[str]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return archive.namelist()
    except Exception:  # noqa: BLE001  # zipfile raises many kinds of errors for a damaged file
        return []


def _kind_of_gzip(begin: bytes) -> FileKind:
    try:
        inner = zlib.decompressobj(wbits=31).decompress(begin, 1024)
    except zlib.error:
        inner = b""
    return kinds.TAR_GZ if _is_tar(inner) else kinds.GZIP


def _is_tar(begin: bytes) -> bool:
    """Whether a file begins with a TAR header: its checksum is right (POSIX.1-2017, ustar Interchange Format)."""
    header = begin[:512]
    stored = re.match(rb" *([0-7]{1,7})[ \0]", header[148:156])
    if len(header) < 512 or stored is None:
        return False
    return int(stored[1], 8) == sum(header) - sum(header[148:156]) + 8 * 0x20


def _is_onnx(begin: bytes) -> bool:
    """ONNX begins with `ir_version` and the name of its producer; a Core ML file has a message in that place."""
    match = re.match(rb"\x08[\x01-\x14]\x12([\x01-\x40])", begin)
    return match is not None and re.fullmatch(rb"[A-Za-z][\w. -]*", begin[4 : 4 + match[1][0]]) is not None


def _by_text(begin: bytes) -> FileKind | None:
    text = begin.removeprefix(b"\xef\xbb\xbf").lstrip()
    if re.match(rb"<(?:!doctype html|html|head|body)\b", text, re.IGNORECASE):
        return kinds.HTML
    if text.startswith((b"<?xml", b"<svg")):
        return kinds.SVG if b"<svg" in text else kinds.XML
    # Weka's comments begin with a percent sign.
    if re.match(rb"(?:%[^\n]*\n\s*)*@relation\b", text, re.IGNORECASE):
        return kinds.ARFF
    if re.match(rb"\{\s*(?:\"|\}|\Z)", text):
        first, _, rest = text.partition(b"\n")
        return kinds.JSON_LINES if first.rstrip().endswith(b"}") and rest.strip() else kinds.JSON
    return kinds.JSON if re.match(rb"\[\s*(?:[\[{\"\]]|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?\s*[,\]])", text) else None

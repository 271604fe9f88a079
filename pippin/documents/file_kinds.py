"""Recognises files that Pippin does not read, so that a message can name the kind of file and a remedy.

The content decides; the name counts only for formats without a signature.

Signatures are from the specification of each format, or from the database of the `file` command
(https://github.com/file/file/tree/master/magic/Magdir).
"""

import io
import re
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePath


@dataclass(frozen=True)
class FileKind:
    """A kind of file.

    Attributes:
        name: The name of the kind, with an article: `an Excel workbook`.
        for_data: The advice where data was expected.
        for_models: The advice where a model was expected.
    """

    name: str
    for_data: str
    for_models: str = "send an updatable .mlmodel, or a document that describes a model"

    def as_data(self) -> str:
        """The rest of a sentence about a file that was sent as data."""
        return f"is {self.name}; {self.for_data}"

    def as_model(self) -> str:
        """The rest of a sentence about a file that was sent as a model."""
        return f"is {self.name}; {self.for_models}"


_AS_CSV = "save it as CSV in UTF-8"
_AS_NPZ = "save its arrays with numpy.savez as one .npz"
_AS_PICTURE = "save it as PNG or JPEG"
_CONVERT = "convert it to an updatable .mlmodel with coremltools"
_NO_DATA = "send the data that the model is to learn from"
_FETCH = "fetch the file with `git lfs pull` and send that"
_DOWNLOAD = "download the file itself and send that"
_IN_FOLDERS = "send pictures in one ZIP, in a folder for each class"
_ROWS = "save it as a CSV table with a row for each example"
_DOCUMENT = "send a document that describes a model as application/json, or under a name that ends in .json"


def _archive(name: str) -> FileKind:
    return FileKind(name, "unpack it and send the files, or one ZIP of them", "unpack it and send the .mlmodel itself")


def _table(name: str) -> FileKind:
    return FileKind(name, _AS_CSV)


def _model(name: str) -> FileKind:
    return FileKind(name, _NO_DATA, _CONVERT)


def _picture(name: str) -> FileKind:
    return FileKind(name, _AS_PICTURE)


ARFF = _table("an ARFF file of Weka")
ARROW = _table("an Arrow file")
AVIF = _picture("an AVIF picture")
BMP = _picture("a BMP picture")
BZIP2 = _archive("a bzip2-compressed file")
COMPILED = FileKind(
    "a compiled Core ML model (.mlmodelc)", _NO_DATA, "send the updatable .mlmodel that it was compiled from"
)
CORE_ML = FileKind("a Core ML model", _NO_DATA, "it is damaged or cut short: send it again")
EMPTY = FileKind("empty (0 bytes)", "send it again, or leave it out", "send it again")
EXCEL = _table("an Excel workbook")
FEATHER = _table("a Feather file")
GGUF = _model("a GGUF model")
GIF = _picture("a GIF")
GIT_ANNEX = FileKind("a git-annex pointer, not the file itself", "fetch the file with `git annex get` and send that")
GIT_LFS = FileKind("a Git LFS pointer, not the file itself", _FETCH, _FETCH)
GZIP = _archive("a gzip-compressed file")
HDF5 = FileKind("an HDF5 file, as Keras (.h5) and h5py write it", _AS_NPZ, _CONVERT)
HEIC = _picture("a HEIC picture")
HTML = FileKind("an HTML page, perhaps of a download that needed a login", _DOWNLOAD, _DOWNLOAD)
ICON = _picture("an icon (.ico)")
JPEG = FileKind("a JPEG picture", _IN_FOLDERS)
JPEG_2000 = _picture("a JPEG 2000 picture")
JPEG_XL = _picture("a JPEG XL picture")
JSON = FileKind("JSON", _ROWS, _DOCUMENT)
JSON_LINES = FileKind("JSON lines", _ROWS, _DOCUMENT)
KERAS = _model("a Keras model (.keras)")
LZ4 = _archive("an LZ4-compressed file")
LZIP = _archive("an lzip-compressed file")
MAT = FileKind("a MATLAB file (.mat)", _AS_NPZ)
NPY = FileKind("a single NumPy array (.npy)", "save all arrays with numpy.savez as one .npz")
NUMBERS = _table("a document of Numbers or Pages")
OFFICE = _table("an Office document")
OLD_OFFICE = _table("an old Excel workbook (.xls) or another old Office document")
ONNX = _model("an ONNX model")
OPEN_DOCUMENT = _table("an OpenDocument file")
PACKAGE = FileKind(
    "an .mlpackage",
    _NO_DATA,
    'only an .mlmodel can be trained: convert the model with coremltools and convert_to="neuralnetwork"',
)
PARQUET = _table("a Parquet file")
PDF = FileKind("a PDF", "send the data itself")
PHOTOSHOP = _picture("a Photoshop file")
PICKLE = FileKind("a Python pickle, which is never opened", _AS_NPZ, _CONVERT)
PNG = FileKind("a PNG picture", _IN_FOLDERS)
PROPERTY_LIST = FileKind("a property list", "send the data itself")
R_DATA = _table("an R data file")
RAR = _archive("a RAR archive")
RICH_TEXT = _table("a rich text file")
SAFE_TENSORS = FileKind("a SafeTensors file", _AS_NPZ, _CONVERT)
SAVED_MODEL = _model("a TensorFlow SavedModel")
SEVEN_ZIP = _archive("a 7z archive")
SQLITE = FileKind("an SQLite database", "export its table as CSV in UTF-8")
SVG = _picture("an SVG drawing")
TAR = _archive("a TAR archive")
TAR_GZ = _archive("a compressed TAR archive (.tar.gz)")
TF_LITE = _model("a TensorFlow Lite model")
TIFF = _picture("a TIFF picture")
TORCH = FileKind("a PyTorch file (.pt)", _AS_NPZ, _CONVERT)
VIDEO = FileKind("a video", "save its pictures as PNG or JPEG")
WAV = FileKind("a WAV recording", _AS_NPZ)
WEBP = _picture("a WebP picture")
XML = _table("XML")
XZ = _archive("an xz-compressed file")
ZIP = _archive("a ZIP")
ZSTD = _archive("a zstd-compressed file")

_HDF5 = b"\x89HDF\r\n\x1a\n"

SIGNATURES: tuple[tuple[int, bytes, FileKind], ...] = (
    (0, b"version https://git-lfs.github.com/spec/", GIT_LFS),
    (0, b"version https://hawser.github.com/spec/", GIT_LFS),
    (0, b"/annex/objects/", GIT_ANNEX),
    (0, b"7z\xbc\xaf\x27\x1c", SEVEN_ZIP),
    (0, b"Rar!\x1a\x07", RAR),
    (0, b"\xfd7zXZ\0", XZ),
    (0, b"\x28\xb5\x2f\xfd", ZSTD),
    (0, b"\x04\x22\x4d\x18", LZ4),
    (0, b"BZh11AY&SY", BZIP2),
    *((0, b"BZh%d1AY&SY" % level, BZIP2) for level in range(2, 10)),
    (0, b"\x93NUMPY", NPY),
    (0, b"MATLAB 5.0 MAT-file", MAT),
    (0, b"MATLAB 7.3 MAT-file", MAT),
    (0, _HDF5, HDF5),
    (512, _HDF5, HDF5),
    # The container of Office before 2007.
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", OLD_OFFICE),
    # A pickle of PyTorch's magic number.
    (0, b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", TORCH),
    (0, b"SQLite format 3\0", SQLITE),
    (0, b"%PDF-", PDF),
    (0, b"{\\rtf", RICH_TEXT),
    (0, b"\x89PNG\r\n\x1a\n", PNG),
    (0, b"\xff\xd8\xff", JPEG),
    (0, b"GIF87a", GIF),
    (0, b"GIF89a", GIF),
    (0, b"II*\0", TIFF),
    (0, b"MM\0*", TIFF),
    (0, b"\0\0\1\0", ICON),
    (0, b"\0\0\0\x0cJXL ", JPEG_XL),
    (0, b"\0\0\0\x0cjP  ", JPEG_2000),
    (0, b"bplist00", PROPERTY_LIST),
)
"""The offset and the bytes of the signature of each kind."""

BINARY_SIGNATURES: tuple[tuple[int, bytes, FileKind], ...] = (
    (0, b"PAR1", PARQUET),
    (0, b"ARROW1", ARROW),
    (0, b"FEA1", FEATHER),
    (0, b"GGUF", GGUF),
    (0, b"LZIP", LZIP),
    (4, b"TFL3", TF_LITE),
    (0, b"RDX2\n", R_DATA),
    (0, b"RDX3\n", R_DATA),
    (8, b"WEBP", WEBP),
    (8, b"WAVE", WAV),
    (0, b"8BPS", PHOTOSHOP),
    (0, b"BM", BMP),
)
"""Signatures with which a text table could begin too; they count in binary files only."""

BRANDS = {
    **dict.fromkeys((b"avif", b"avis"), AVIF),
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"), HEIC),
}
"""The kind for each brand of an ISO base media file (ISO/IEC 14496-12, 4.3); other brands are videos."""

SUFFIXES = {
    ".keras": KERAS,
    ".mat": MAT,
    ".mlmodel": CORE_ML,
    ".mlmodelc": COMPILED,
    ".mlpackage": PACKAGE,
    ".onnx": ONNX,
    ".xlsm": EXCEL,
    ".xlsx": EXCEL,
}
"""The kind for each suffix of binary files whose content does not identify the kind."""


SAMPLE_BYTES = 4096
"""The number of bytes at the beginning of a file that are enough to recognise it."""


def kind_of(begin: bytes, name: str = "", *, is_whole: bool = False) -> FileKind | None:
    """The kind of a file; None where Pippin may be able to read the file, or the kind is unknown.

    Args:
        begin: The first `SAMPLE_BYTES` bytes of the file, or the whole file where it is shorter.
        name: The name of the file as sent; "" for a file without a name.
        is_whole: Whether `begin` is the whole file, of any length: a ZIP is then opened to examine its members.
    """
    if not begin:
        return EMPTY
    if begin.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _kind_of_zip(begin, name, is_whole=is_whole)
    sample = begin[:SAMPLE_BYTES]
    if sample.startswith(b"\x1f\x8b"):
        return _kind_of_gzip(sample)
    by_suffix = SUFFIXES.get(PurePath(name).suffix.lower()) if b"\0" in sample else None
    return _by_signature(sample) or _by_structure(sample) or _by_text(sample) or by_suffix


def kind_of_members(names: Iterable[str]) -> FileKind | None:
    """The kind of a ZIP or a folder with these paths; None for an ordinary one."""
    paths = [PurePath(name.replace("\\", "/")) for name in names]
    bases = {path.name for path in paths}
    folders = {part for path in paths for part in path.parts[:-1]}
    suffixes = {PurePath(folder).suffix.lower() for folder in folders}
    if "[Content_Types].xml" in bases:
        return OFFICE if folders & {"word", "ppt"} else EXCEL
    for applies, kind in (
        ("com.apple.CoreML" in folders or ".mlpackage" in suffixes, PACKAGE),
        ("coremldata.bin" in bases or ".mlmodelc" in suffixes, COMPILED),
        ("saved_model.pb" in bases, SAVED_MODEL),
        ("data.pkl" in bases, TORCH),
        ({"config.json", "model.weights.h5"} <= bases, KERAS),
        ({"mimetype", "content.xml"} <= bases, OPEN_DOCUMENT),
        ("Document.iwa" in bases, NUMBERS),
    ):
        if applies:
            return kind
    return None


def kind_of_folder(path: Path) -> FileKind | None:
    """The kind of a folder that other programs treat as one file, such as an .mlpackage; None for any other folder."""
    return SUFFIXES.get(path.suffix.lower()) or kind_of_members(each.name for each in path.iterdir())


def _by_signature(begin: bytes) -> FileKind | None:
    signatures = SIGNATURES + (BINARY_SIGNATURES if b"\0" in begin else ())
    return next((kind for at, signature, kind in signatures if begin.startswith(signature, at)), None)


def _by_structure(begin: bytes) -> FileKind | None:
    if begin[:1] == b"\0" and begin[4:8] == b"ftyp":
        return BRANDS.get(begin[8:12], VIDEO)
    # A pickle: the first opcode is PROTO, the second begins a value (Python's pickletools).
    if re.match(rb"\x80[\x02-\x05][\x80-\xff(\]}cX]", begin):
        return PICKLE
    if _is_tar(begin):
        return TAR
    # SafeTensors: the length of the header, little-endian, then the header in JSON.
    if re.match(rb"[^\0][\s\S]{4}\0{3}\{\s*\"", begin):
        return SAFE_TENSORS
    return ONNX if _is_onnx(begin) else None


def _kind_of_zip(begin: bytes, name: str, *, is_whole: bool) -> FileKind:
    # The name in the header of the first entry; in a workbook, this is `[Content_Types].xml`.
    names = [begin[30 : 30 + int.from_bytes(begin[26:28], "little")].decode(errors="replace")]
    if is_whole:
        names = _members(begin) or names
    return kind_of_members(names) or SUFFIXES.get(PurePath(name).suffix.lower()) or ZIP


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
    return TAR_GZ if _is_tar(inner) else GZIP


def _is_tar(begin: bytes) -> bool:
    """Whether a file begins with a TAR header, by its checksum (POSIX.1-2017, ustar Interchange Format)."""
    header = begin[:512]
    stored = re.match(rb" *([0-7]{1,7})[ \0]", header[148:156])
    if len(header) < 512 or stored is None:
        return False
    return int(stored[1], 8) == sum(header) - sum(header[148:156]) + 8 * 0x20


def _is_onnx(begin: bytes) -> bool:
    """Whether a file is ONNX: `ir_version`, then the name of the producer, where a Core ML file has a message."""
    match = re.match(rb"\x08[\x01-\x14]\x12([\x01-\x40])", begin)
    return match is not None and re.fullmatch(rb"[A-Za-z][\w. -]*", begin[4 : 4 + match[1][0]]) is not None


def _by_text(begin: bytes) -> FileKind | None:
    text = begin.removeprefix(b"\xef\xbb\xbf").lstrip()
    if re.match(rb"<(?:!doctype html|html|head|body)\b", text, re.IGNORECASE):
        return HTML
    if text.startswith((b"<?xml", b"<svg")):
        return SVG if b"<svg" in text else XML
    # Weka's comments begin with a percent sign.
    if re.match(rb"(?:%[^\n]*\n\s*)*@relation\b", text, re.IGNORECASE):
        return ARFF
    if re.match(rb"\{\s*(?:\"|\}|\Z)", text):
        first, _, rest = text.partition(b"\n")
        return JSON_LINES if first.rstrip().endswith(b"}") and rest.strip() else JSON
    return JSON if re.match(rb"\[\s*(?:[\[{\"\]]|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?\s*[,\]])", text) else None

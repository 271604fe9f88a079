"""Files of an upload that are not data: files of systems and tools, documentation, lists of class names."""

import re
from collections.abc import Sequence
from pathlib import PurePath

from pippin.datasets.errors import quoted

PICTURE_SUFFIXES = frozenset({".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jif", ".jfif", ".pjpeg", ".pjp"})
"""The suffixes of PNG and JPEG files, in lower case."""

FOREIGN_PICTURE_SUFFIXES = frozenset(
    {".gif", ".bmp", ".dib", ".tif", ".tiff", ".webp", ".heic", ".heif", ".avif", ".svg", ".ico", ".jp2", ".jxl"}
    | {".psd", ".ppm", ".pgm", ".pbm", ".dng", ".cr2", ".nef", ".arw", ".raw"}
)
"""The suffixes of pictures of other formats."""

_LITTER_NAMES = frozenset({"thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "picasa.ini"})
_LITTER_FOLDERS = frozenset({"__macosx", "__pycache__", "@eadir", "$recycle.bin", "system volume information"})
_DOCUMENTATION = re.compile(
    r"(read[-_ ]?me|licen[cs]e|copying|copyright|notice|authors|contributors|contributing|citation|change(s|log)"
    r"|index|about|attribution|credits|terms([-_ ]of[-_ ]use)?)([-_. ][^.]*)?",
    re.IGNORECASE,
)
_CLASS_LIST = re.compile(
    r"((class|label|category|categories|idx|index)([-_ ]?(to|2))?[-_ ]?)?"
    r"(classes|labels|names|categories|class|label|idx|index|indices|map|mapping|labelmap|synsets?|words|wnids)"
    r"|(.*[-_ ])?mapping",
    re.IGNORECASE,
)
_DATA_SUFFIXES = frozenset({".csv", ".tsv", ".npz", ".npy", ".gz", ".zip", ".data"})
_DOCUMENT_SUFFIXES = frozenset(
    {".md", ".rst", ".html", ".htm", ".pdf", ".docx", ".json", ".yaml", ".yml", ".toml", ".cff", ".bib", ".xml"}
    | {".names", ".pbtxt", ".py", ".ipynb", ".sh", ".cfg", ".ini", ".log", ".md5", ".sha256", ".url"}
)
# Tables and text beside pictures are annotations: the pictures are the data.
_SUFFIXES_BESIDE_PICTURES = _DOCUMENT_SUFFIXES | {".txt", ".csv", ".tsv"}
_SHOWN = 10


def is_litter(path: str) -> bool:
    """Whether a system or a tool created a file: hidden files, `.git`, `__MACOSX`, `Thumbs.db` and the like."""
    *folders, name = path.replace("\\", "/").lower().split("/")
    steps = [step for step in (*folders, name) if step not in {".", "..", ""}]
    return (
        any(step.startswith(".") for step in steps) or not _LITTER_FOLDERS.isdisjoint(folders) or name in _LITTER_NAMES
    )


def ignored_files(paths: Sequence[str]) -> frozenset[str]:
    """The files of an upload that are not data. Documentation counts as data where there are no other files."""
    litter = {path for path in paths if is_litter(path)}
    rest = [path for path in paths if path not in litter]
    has_pictures = any(PurePath(path).suffix.lower() in PICTURE_SUFFIXES for path in rest)
    documentation = {path for path in rest if _is_documentation(PurePath(path), has_pictures=has_pictures)}
    return frozenset(litter if len(documentation) == len(rest) else litter | documentation)


def ignored_notice(ignored: Sequence[str]) -> str:
    """The notice that names the ignored files."""
    shown = ", ".join(quoted(path) for path in ignored[:_SHOWN])
    more = f" and {len(ignored) - _SHOWN:,} more" if len(ignored) > _SHOWN else ""
    return f"ignored {len(ignored):,} file{'s' * (len(ignored) > 1)} beside the data: {shown}{more}"


def _is_documentation(path: PurePath, *, has_pictures: bool) -> bool:
    """Whether a file is documentation, a list of class names or, in an upload with pictures, an annotation."""
    suffix = path.suffix.lower()
    if suffix in PICTURE_SUFFIXES | FOREIGN_PICTURE_SUFFIXES:
        return False
    if suffix in (_SUFFIXES_BESIDE_PICTURES if has_pictures else _DOCUMENT_SUFFIXES):
        return True
    if suffix in _DATA_SUFFIXES:
        return False
    if _DOCUMENTATION.fullmatch(path.stem):
        return True
    return suffix == ".txt" and _CLASS_LIST.fullmatch(path.stem) is not None

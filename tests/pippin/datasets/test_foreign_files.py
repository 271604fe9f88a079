"""Files beside the data and files of other formats are ignored or refused, and named."""

import gzip
import re
import struct

import pytest

from pippin.datasets.errors import DatasetError
from pippin.errors import FaultyDocumentError
from pippin.models.inspection import inspect
from tests.pippin.datasets.samples import (
    PNG,
    Dataset,
    Details,
    Store,
    digits,
    labels_of,
    npz,
    picture,
    pictures,
    tar,
    zipped,
)

IDX = {
    "train-images-idx3-ubyte": struct.pack(">HBB3I", 0, 8, 3, 2, 2, 2) + bytes(8),
    "train-labels-idx1-ubyte": struct.pack(">HBBI", 0, 8, 1, 2) + b"\0\1",
}
TABLE = {"train.csv": b"label,x\na,1\nb,2\n"}
BESIDE = {
    "README.md": b"# About",
    "LICENSE": b"MIT",
    ".DS_Store": b"\0\0\0\1Bud1",
    "__MACOSX/._x": b"\0",
    ".git/objects/ab/cdef": b"x\x01",
    "Thumbs.db": b"\xd0\xcf",
    "classes.txt": b"a\nb\n",
    "label_map.json": b'{"a": 0}',
}


def ignored(dataset: Dataset) -> str:
    (notice,) = (each for each in dataset.notices if each.startswith("ignored"))
    return notice


@pytest.mark.parametrize("data", [IDX, TABLE, dict.fromkeys(["a/1.png", "b/1.png"], PNG)], ids=["idx", "csv", "images"])
@pytest.mark.parametrize("below", ["", "data/"])
def test_files_beside_the_data_are_ignored_and_named(store: Store, data: dict[str, bytes], below: str) -> None:
    members = {f"{below}{name}": content for name, content in (BESIDE | data).items()}
    notice = ignored(store({"d.zip": zipped(members)}))
    assert notice.startswith(f"ignored {len(BESIDE)} files beside the data")
    assert "README.md" in notice


def test_a_readme_among_plain_files_and_beside_an_npz_is_ignored(store: Store) -> None:
    assert "ignored 1 file" in store({"README": b"about", **IDX}).notices[0]
    arrays = {"readme.txt": b"about", "k.npz": npz(x=digits(2), label=labels_of(2))}
    assert store(arrays).splits == {"train": 2}


def test_many_ignored_files_give_one_short_notice(store: Store) -> None:
    litter = {f".git/objects/{number}": b"x" for number in range(500)}
    notice = ignored(store({"d.zip": zipped(TABLE | litter)}))
    assert "ignored 500 files" in notice
    assert "and 490 more" in notice
    assert len(notice) <= 500


@pytest.mark.parametrize("name", ["1.jfif", "1.JPG", "1.jpe", "1.JPEG"])
def test_jpeg_file_extensions_are_accepted(store: Store, name: str) -> None:
    assert store(pictures(f"a/{name}", f"b/{name}", content=picture(form="JPEG"))).labels == ["a", "b"]


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("1.gif", picture(mode="RGB", form="GIF"), "is a GIF; save it as PNG or JPEG"),
        ("1.bmp", picture(mode="RGB", form="BMP"), "is a BMP picture; save it as PNG or JPEG"),
        ("1.tif", picture(mode="RGB", form="TIFF"), "is a TIFF picture; save it as PNG or JPEG"),
        ("1.webp", picture(mode="RGB", form="WEBP"), "is a WebP picture; save it as PNG or JPEG"),
        ("1.heic", b"\0\0\0\x18ftypheic\0\0\0\0", "is a HEIC picture; save it as PNG or JPEG"),
        ("1.svg", b'<svg xmlns="http://www.w3.org/2000/svg"/>', "is an SVG drawing; save it as PNG or JPEG"),
        ("1.png", picture(mode="RGB", form="GIF"), "is a GIF; save it as PNG or JPEG"),
        ("1.png", b"", "is empty (0 bytes); send it again, or leave it out"),
        ("1.png", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "is a Git LFS pointer"),
        ("1.jpg", b"<!DOCTYPE html><html></html>", "is an HTML page"),
        ("1.png", picture(mode="RGB")[:48], "is damaged or cut short; save it again"),
        ("1.png", b"nonsense", "is not a PNG or JPEG that can be read"),
    ],
)
@pytest.mark.parametrize("alone", [True, False])
def test_unreadable_pictures_are_refused_with_one_fault(
    details: Details, name: str, data: bytes, said: str, alone: bool
) -> None:
    good = {} if alone else {"b/1.png": picture(mode="RGB")}
    (detail,) = details({"d.zip": zipped({f"a/{name}": data} | good)})
    assert detail.startswith(f"a/{name} {said}")
    (detail,) = details({"d.zip": zipped({f"a/{number}{name}": data for number in range(40)} | good)})
    assert detail.startswith(f"a/0{name}, a/1{name}, a/2{name} and 37 more files: each {said}")


def test_photos_of_many_sizes_are_refused_with_one_fault(details: Details) -> None:
    members = {f"a/{width}.png": picture((width, 8)) for width in range(8, 60)}
    (detail,) = details({"d.zip": zipped(members)})
    assert detail == (
        "a/9.png, a/10.png, a/11.png and 48 more files: each has a different size than the 8 by 8 pixels of a/8.png; "
        "make all pictures the same size"
    )


WORKBOOK = zipped({"[Content_Types].xml": b"<Types/>", "xl/workbook.xml": b"<workbook/>", "docProps/app.xml": b""})
PACKAGE = zipped({"M.mlpackage/Manifest.json": b"{}", "M.mlpackage/Data/com.apple.CoreML/model.mlmodel": b"\x08\x07"})
HDF5 = b"\x89HDF\r\n\x1a\n" + bytes(100)
FOREIGN = {
    "table.xlsx": (WORKBOOK, "an Excel workbook"),
    "table.xls": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "an old Excel workbook"),
    "rows.json": (b'[{"a": 1}, {"a": 2}]', "JSON"),
    "rows.jsonl": (b'{"a": 1}\n{"a": 2}\n', "JSON lines"),
    "d.tar": (tar({"a/1.png": PNG}), "a TAR archive"),
    "d.7z": (b"7z\xbc\xaf\x27\x1c\0\4" + bytes(40), "a 7z archive"),
    "d.rar": (b"Rar!\x1a\x07\x01\0" + bytes(40), "a RAR archive"),
    "d.xz": (b"\xfd7zXZ\0\0\4" + bytes(40), "an xz-compressed file"),
    "d.bz2": (b"BZh91AY&SY" + bytes(40), "a bzip2-compressed file"),
    "d.zst": (b"\x28\xb5\x2f\xfd" + bytes(40), "a zstd-compressed file"),
    "x.npy": (b"\x93NUMPY\x01\0v\0{'descr': '<f4'", "a single NumPy array"),
    "v5.mat": (b"MATLAB 5.0 MAT-file, Platform: GLNXA64".ljust(128), "a MATLAB file"),
    "v73.mat": (b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(512) + HDF5, "a MATLAB file"),
    "iris.arff": (b"% Iris\n@RELATION iris\n\n@ATTRIBUTE a NUMERIC\n@DATA\n1\n", "an ARFF file"),
    "pointer.csv": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n", "a Git LFS pointer"),
    "package.zip": (PACKAGE, "an .mlpackage"),
    "compiled.zip": (zipped({"M.mlmodelc/coremldata.bin": b"\0", "M.mlmodelc/model.mil": b""}), "a compiled Core ML"),
    "model.h5": (HDF5, "an HDF5 file, as Keras"),
    "model.keras": (zipped({"config.json": b"{}", "model.weights.h5": HDF5, "metadata.json": b"{}"}), "a Keras model"),
    "model.onnx": (b"\x08\x08\x12\x07pytorch\x1a\x052.1.0:\x00", "an ONNX model"),
    "model.pt": (zipped({"model/data.pkl": b"\x80\x02}q\0.", "model/version": b"3\n"}), "a PyTorch file"),
    "model.safetensors": (struct.pack("<Q", 60) + b'{"w":{"dtype":"F32"', "a SafeTensors file"),
    "model.pkl": (b"\x80\x04\x95\x10\0\0\0\0\0\0\0}\x94.", "a Python pickle"),
    "d.parquet": (b"PAR1\x15\0\x15" + bytes(30), "a Parquet file"),
    "d.sqlite": (b"SQLite format 3\0" + bytes(84), "an SQLite database"),
    "page.html": (b"\n<!DOCTYPE HTML>\n<html><body>Sign in</body></html>", "an HTML page"),
    "paper.pdf": (b"%PDF-1.7\n%\xe2\xe3", "a PDF"),
}


# Beside a table these count as documentation.
_IGNORED = {"rows.json", "page.html", "paper.pdf"}


@pytest.mark.parametrize("name", FOREIGN)
def test_foreign_file_is_named_in_a_dataset_upload(details: Details, name: str) -> None:
    data, kind = FOREIGN[name]
    (detail,) = details({name: data})
    assert detail.startswith(f"{name} is {kind}")
    assert "; " in detail
    if not data.startswith(b"PK") and name != "x.npy":
        (inside,) = details({"d.zip": zipped({name: data})})
        assert inside.startswith(f"{name} is {kind}")
    if not data.startswith(b"PK") and name not in _IGNORED:
        (second,) = details({"train.csv": b"label,x\na,1\n", name: data})
        assert second.startswith(f"{name} is {kind}")


def test_a_compressed_tar_is_named(details: Details) -> None:
    assert details({"d.tar.gz": tar({"a/1.png": PNG}, "w:gz")})[0].startswith("d.tar is a TAR archive")
    assert details({"d.json.gz": gzip.compress(b'{"a": 1}')})[0].startswith("d.json is JSON")


def test_foreign_file_is_named_despite_the_format_option(details: Details) -> None:
    assert details({"d.jsonl": FOREIGN["rows.jsonl"][0]}, format="csv")[0].startswith("d.jsonl is JSON lines")


@pytest.mark.parametrize("name", FOREIGN)
def test_foreign_file_is_named_in_a_model_upload(name: str) -> None:
    data, kind = FOREIGN[name]
    with pytest.raises(FaultyDocumentError) as raised:
        inspect(data, name)
    (fault,) = raised.value.faults
    assert fault.detail.startswith(f"{name} is {kind}")
    with pytest.raises(FaultyDocumentError, match=f"the file is {re.escape(kind)}"):
        inspect(data)


@pytest.mark.parametrize(
    "text",
    [
        "PAR1,PAR2,label\n1,2,a\n",
        "label,a,WAVE\na,1,2\n",
        "BM,label\n1,a\n",
        "FEA1,label\n1,a\n",
        "[0-10],label\n1,a\n",
        "version,label\n1,a\n",
        "GIF,label\n1,a\n",
        "%,label\n1,a\n",
    ],
)
def test_table_with_a_header_like_a_signature_is_a_table(store: Store, text: str) -> None:
    assert store({"d.csv": text.encode()}, target="label").labels == ["a"]


def test_no_refusal_shows_a_python_object(store: Store) -> None:
    sound = zipped({"a/1.png": PNG, "b/1.png": PNG})
    damaged = [sound[:cut] for cut in range(1, len(sound), 7)]
    damaged += [sound[:at] + b"\xff" * 4 + sound[at + 4 :] for at in range(0, len(sound), 7)]
    arrays = npz(x=digits(2), label=labels_of(2))
    damaged += [arrays[:at] + b"\xff" * 4 + arrays[at + 4 :] for at in range(0, len(arrays), 13)]
    refused = []
    for content in damaged:
        try:
            store({"d.zip": content})
        except DatasetError as error:
            refused.append(str(error))
    assert len(refused) > 100
    for word in ("object at", "<_io", "0x7", "Traceback", "Error(", "universal-newline"):
        assert not [text for text in refused if word in text]

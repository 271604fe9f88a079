"""`pippin datasets add` against a whole, real Pippin: files and folders."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pippin.datasets.sample import mnist_sample_path
from tests.pippin.cli.conftest import Invoke
from tests.pippin.datasets.samples import PNG, picture


def written(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def table(folder: Path, text: str) -> Path:
    return written(folder, {"table.csv": text.encode()}) / "table.csv"


def test_a_table_is_uploaded_by_name_and_listed(with_service: Invoke, tmp_path: Path) -> None:
    file = table(tmp_path, "size,rooms,price\n50,2,100\n70,3,150\n90,4,200\n")
    add = ["datasets", "add", "houses", "--from", file, "--target", "price", "--inputs", "x:size,rooms"]
    added = with_service.ok(*add)
    assert "houses, train 3; x float32 2, price" in added
    assert added.startswith(f"{with_service.json(*add)['id']}: ")
    shown = with_service.ok("datasets", "list").splitlines()
    assert shown[0].split() == ["NAME", "ID", "FORMAT", "SPLITS", "FEATURES", "SIZE", "CREATED"]
    assert any(line.startswith("houses ") for line in shown)
    assert {"houses", "mnist-sample"} <= {each["name"] for each in with_service.json("datasets", "list")}


def test_table_without_a_target_is_refused_and_assumptions_are_noted(with_service: Invoke, tmp_path: Path) -> None:
    file = table(tmp_path, "5.1,3.5,Iris-setosa\n4.9,3.0,Iris-virginica\n")
    add = ["datasets", "add", "irises", "--from", file]
    refusal = " ".join(with_service.refused(3, *add).split())
    assert "set --target to the number of the column to predict" in refusal
    said = " ".join(with_service.ok(*add, "--target", "kind:3", "--header", "false").split())
    assert "Note: the target, column 3, holds text, which became 2 classes: 'Iris-setosa', 'Iris-virginica'." in said


def test_faulty_table_is_reported_with_its_row(with_service: Invoke, tmp_path: Path) -> None:
    file = table(tmp_path, "label,a\n1,2\n0,x\n")
    assert "row 3" in with_service.refused(3, "datasets", "add", "bad", "--from", file)


def test_folder_of_class_folders_is_uploaded_as_one_dataset(with_service: Invoke, tmp_path: Path) -> None:
    for number, kind in enumerate(["cat", "dog"]):
        (tmp_path / "pets" / kind).mkdir(parents=True)
        for index in range(3):
            pixels = np.full((4, 4), 40 * number + index, np.uint8)
            Image.fromarray(pixels).save(tmp_path / "pets" / kind / f"{index}.png")
    add = ["datasets", "add", "pets", "--from", tmp_path / "pets"]
    manifest = with_service.json(*add)
    assert (manifest["format"], manifest["labels"]) == ("images", ["cat", "dog"])
    assert with_service.json(*add)["id"] == manifest["id"]


def test_files_are_uploaded_together(with_service: Invoke) -> None:
    files = sorted(mnist_sample_path().glob("t10k-*.gz"))
    manifest = with_service.json("datasets", "add", "few-digits", "--from", *files)
    assert [split["examples"] for split in manifest["splits"]] == [2000]


def test_files_other_than_the_published_mnist_are_refused_locally(with_service: Invoke, tmp_path: Path) -> None:
    for file in mnist_sample_path().glob("train-*.gz"):
        shutil.copy(file, tmp_path)
    refusal = with_service.refused(3, "datasets", "add", "mnist", "--from", tmp_path)
    assert "is not MNIST's train-images-idx3-ubyte" in refusal
    assert "has no file t10k-images-idx3-ubyte" in refusal


@pytest.mark.parametrize(
    ("paths", "said"),
    [
        (["no.csv"], "There is no "),
        (["empty"], "is empty or has no file that can be data"),
        (["empty", "."], "Give either files or one folder"),
    ],
)
def test_unusable_paths_are_usage_errors(with_service: Invoke, tmp_path: Path, paths: list[str], said: str) -> None:
    (tmp_path / "empty").mkdir()
    assert said in with_service.refused(2, "datasets", "add", "x", "--from", *(tmp_path / path for path in paths))


def test_files_beside_the_data_are_ignored_and_named(with_service: Invoke, tmp_path: Path) -> None:
    beside = {"README.md": b"#", ".git/HEAD": b"ref", ".DS_Store": b"x", "classes.txt": b"a\nb\n"}
    pictures = {"train/a/1.png": PNG, "train/b/1.JPG": picture(form="JPEG", orientation=6)}
    folder = written(tmp_path / "pets", beside | pictures)
    said = with_service.ok("datasets", "add", "pets-with-readme", "--from", folder)
    assert "Note: 1 picture ('train/b/1.JPG') was rotated upright by the orientation in EXIF.\n" in said
    assert "Note: ignored 2 files beside the data: 'README.md', 'classes.txt'.\n" in said
    assert "Note: ignored 2 files beside the data: '.DS_Store', '.git/HEAD'.\n" in said


def test_tables_with_a_readme_are_read(with_service: Invoke, tmp_path: Path) -> None:
    folder = written(tmp_path, {"train.csv": b"label,x\na,1\nb,2\n", "README.md": b"# About", ".git/HEAD": b"ref"})
    said = with_service.ok("datasets", "add", "table-with-readme", "--from", folder)
    assert "Note: ignored 1 file beside the data: 'README.md'.\n" in said


def test_pictures_without_a_class_are_refused(with_service: Invoke, tmp_path: Path) -> None:
    folder = written(tmp_path, {"train/a/1.png": PNG, "train/b/1.png": PNG, "test/1.png": PNG})
    refusal = with_service.refused(3, "datasets", "add", "stray", "--from", folder)
    assert "test/1.png is in a split but not in a class folder" in refusal


def test_mlpackage_is_refused_by_name(with_service: Invoke, tmp_path: Path) -> None:
    files = {"Manifest.json": b"{}", "Data/com.apple.CoreML/model.mlmodel": b"\x08"}
    package = written(tmp_path / "M.mlpackage", files)
    for command in (("models", "add", package), ("datasets", "add", "m", "--from", package)):
        assert f"{package} is an .mlpackage; " in with_service.refused(2, *command)
    assert "is a folder; give a file" in with_service("models", "add", tmp_path).stderr


def test_background_option_is_sent(with_service: Invoke, tmp_path: Path) -> None:
    folder = written(tmp_path, {"a/1.png": PNG, "b/1.png": PNG})
    with_service.ok("datasets", "add", "on-black", "--from", folder, "--background", "black")
    refusal = with_service.refused(3, "datasets", "add", "on-glass", "--from", folder, "--background", "glass")
    assert "give white, black, or any color as six hexadecimal digits" in refusal

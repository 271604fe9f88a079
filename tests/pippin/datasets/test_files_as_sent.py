"""Picture folders, archives and array files like those of real uploads: accepted forms and refusal messages."""

import unicodedata
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tests.pippin.datasets.samples import (
    PNG,
    Details,
    Store,
    digits,
    encoded,
    labels_of,
    npz,
    picture,
    pictures,
    zipped,
)


@pytest.mark.parametrize(
    ("paths", "named"),
    [
        (["train/a/1.png", "train/b/1.png", "test/1.png", "test/2.png"], "test/1.png"),
        (["train/1.png", "test/1.png"], "train/1.png"),
        (["train/a/1.png", "train/b/1.png", "train/x.png"], "train/x.png"),
        (["TRAIN/a/1.png", "TRAIN/b/1.png", "Test/1.png"], "Test/1.png"),
        (["training/a/1.png", "validation/1.png"], "validation/1.png"),
        (["train_images/a/1.png", "test_images/1.png"], "test_images/1.png"),
        (["data/train/a/1.png", "data/val/1.png"], "data/val/1.png"),
        (["x/y/train/a/1.png", "x/y/VALID/1.png"], "x/y/VALID/1.png"),
        (["a/1.png", "b/1.png", "train/1.png", "test/1.png"], "train/1.png"),
        (["train/1.png", "train/2.png"], "train/1.png"),
        (["data/Train/1.png"], "data/Train/1.png"),
        (["test/a/1.png", "test/b/1.png", "test/x.png"], "test/x.png"),
    ],
)
def test_pictures_in_a_split_without_a_class_are_refused(details: Details, paths: list[str], named: str) -> None:
    (detail,) = details(pictures(*paths))
    assert detail.startswith(named)
    assert "in a split but not in a class folder" in detail


@pytest.mark.parametrize(
    ("paths", "labels", "splits", "notice"),
    [
        (["bus/1.png", "train/1.png", "plane/1.png"], ["bus", "plane", "train"], {"train": 3}, "'train' is read as"),
        (["good/1.png", "test/1.png"], ["good", "test"], {"train": 2}, "'test' is read as a class"),
        (["train/train/1.png", "train/bus/1.png"], ["bus", "train"], {"train": 2}, ""),
        (["train station/1.png", "test tube/1.png"], ["test tube", "train station"], {"train": 2}, ""),
        (
            ["Train/a/1.png", "TEST/a/1.png", "Val/b/1.png"],
            ["a", "b"],
            {"train": 1, "test": 1, "validation": 1},
            "no example of 'b'",
        ),
        (["a/1.png", "test/a/1.png"], ["a"], {"train": 1, "test": 1}, "'a' outside of a split folder"),
        (["seg_train/seg_train/a/1.png", "seg_test/seg_test/a/1.png"], ["a"], {"train": 1, "test": 1}, ""),
        (["w/x/train/a/1.png", "w/x/test/a/1.png"], ["a"], {"train": 1, "test": 1}, ""),
        (["one/a/1.png", "two/b/1.png"], ["a", "b"], {"one": 1, "two": 1}, "read as splits"),
    ],
)
def test_unambiguous_split_and_class_folders_are_read(
    store: Store, paths: list[str], labels: list[str], splits: dict[str, int], notice: str
) -> None:
    dataset = store(pictures(*paths))
    assert (dataset.labels, dataset.splits) == (labels, splits)
    assert (notice in " ".join(dataset.notices)) if notice else not dataset.notices


def test_class_folders_beside_splits_and_too_deep_folders_are_refused(details: Details) -> None:
    assert "c/1.png is not in a split" in details(pictures("train/a/1.png", "c/1.png"))[0]
    assert "b/deep/2.png is one folder too deep" in details(pictures("a/1.png", "b/deep/2.png"))[0]


NFC, NFD = "Äpfel", unicodedata.normalize("NFD", "Äpfel")


@pytest.mark.parametrize("split", ["", "train/"])
def test_nfc_and_nfd_spellings_are_one_class(store: Store, split: str) -> None:
    assert store(pictures(f"{split}{NFC}/1.png", f"{split}{NFD}/2.png", f"{split}b/1.png")).labels == ["b", NFC]
    assert store({"d.csv": f"label,x\n{NFC},1\n{NFD},2\nb,3\n".encode()}).labels == ["b", NFC]


def test_macos_zip_names_are_utf_8_without_the_flag(store: Store) -> None:
    name = f"{NFD}/1.png".encode()
    stored = zipped({"_" * (len(name) - 6) + "/1.png": PNG, "b/1.png": PNG})
    data = stored.replace(b"_" * (len(name) - 6) + b"/1.png", name)
    assert store({"d.zip": data}).labels == ["b", NFC]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(("form", "suffix"), [("JPEG", "jpg"), ("PNG", "png")])
def test_pictures_are_stored_upright(store: Store, orientation: int, form: str, suffix: str) -> None:
    content = picture((12, 8), "RGB", form, orientation)
    dataset = store(pictures(f"a/1.{suffix}", f"b/1.{suffix}", content=content))
    assert dataset.shapes["image"] == ((3, 12, 8) if orientation > 4 else (3, 8, 12))
    assert any("2 pictures" in notice and "upright" in notice for notice in dataset.notices) == (orientation != 1)


def test_picture_of_another_size_after_rotation_is_refused(details: Details) -> None:
    members = {"a/1.png": picture((12, 8)), "a/2.png": picture((12, 8), orientation=6)}
    assert details({"d.zip": zipped(members)})[0].startswith("a/2.png has 8 by 12 pixels, but a/1.png has 12 by 8")


@pytest.mark.parametrize(
    ("mode", "query", "pixels"),
    [
        ("RGBA", {}, [[[0, 255]]] * 3),
        ("LA", {}, [[[0, 255]]]),
        ("RGBA", {"color": "gray"}, [[[0, 255]]]),
        ("LA", {"background": "black"}, [[[0, 0]]]),
        ("RGBA", {"background": "ff8000"}, [[[0, 255]], [[0, 128]], [[0, 0]]]),
    ],
)
def test_ink_on_a_transparent_background_is_kept(
    store: Store, mode: str, query: dict[str, str], pixels: list[Any]
) -> None:
    layer = Image.new("L" if mode == "LA" else "RGB", (2, 1))
    layer.putalpha(Image.fromarray(np.array([[255, 0]], np.uint8)))
    dataset = store(pictures("a/1.png", "b/1.png", content=encoded(layer)), **query)
    assert "put on a background of" in " ".join(dataset.notices)
    assert dataset.values("train/image") == [pixels, pixels]


def test_invalid_background_is_refused(details: Details) -> None:
    assert details(pictures("a/1.png"), background="transparent") == [
        "give white, black, or any color as six hexadecimal digits of its red, green and blue, such as ff8000"
    ]


@pytest.mark.parametrize(
    "keys",
    [
        ("x_train", "y_train", "x_test", "y_test"),
        ("x_test", "x_train", "y_train", "y_test"),
        ("y_train", "x_train", "y_test", "x_test"),
        ("X_train", "Y_train", "X_test", "Y_test"),
        ("X_train", "y_train", "x_val", "y_val"),
        ("train_x", "train_y", "valid_x", "valid_y"),
        ("x_train", "y_train", "x_valid", "y_valid"),
        ("xtrain", "ytrain", "Xtest", "Ytest"),
        ("trainX", "trainY", "testX", "testY"),
        ("images_train", "labels_train", "images_test", "labels_test"),
        ("train_images", "train_labels", "val_images", "val_labels", "test_images", "test_labels"),
        ("trainImages", "trainLabels", "testImages", "testLabels"),
        ("x_train", "y_train"),
    ],
)
@pytest.mark.parametrize("same_length", [True, False])
def test_keys_with_split_and_feature_are_read_as_splits(store: Store, keys: tuple[str, ...], same_length: bool) -> None:
    arrays = {}
    for key in keys:
        count = 6 if same_length or "train" in key.lower() else 3
        is_label = "label" in key.lower() or "y" in key.lower()
        arrays[key] = labels_of(count) if is_label else digits(count)
    dataset = store({"k.npz": npz(**arrays)})
    assert len(dataset.splits) == len(keys) // 2
    assert next(iter(dataset.splits.items())) == ("train", 6)
    assert [*dataset.shapes.values()] == [(1, 8, 8), (1,)]
    assert "read the arrays as splits" in dataset.notices[0]


def test_keys_that_partly_name_splits_get_a_hint(store: Store, details: Details) -> None:
    mixed = npz(x_train=digits(6), y_train=labels_of(6), x_test=digits(3), extra=labels_of(6))
    (detail,) = details({"k.npz": mixed})
    assert "different numbers of examples" in detail
    assert "train/x, train/y, test/x, test/y" in detail
    dataset = store({"k.npz": npz(test_score=labels_of(4), age=labels_of(4), label=labels_of(4))})
    assert [*dataset.shapes] == ["test_score", "age", "label"]
    assert "not as splits" in dataset.notices[0]


@pytest.mark.parametrize(
    ("array", "shape", "notice"),
    [
        (np.zeros((2, 28, 28, 1), np.uint8), (1, 28, 28), "channels last, [28, 28, 1]: stored as [1, 28, 28]"),
        (np.zeros((2, 28, 28, 1), np.float32), (1, 28, 28), "stored as [1, 28, 28]"),
        (np.zeros((2, 8, 9, 3), np.uint8), (3, 8, 9), "stored as [3, 8, 9]"),
        (np.zeros((2, 8, 9, 3), np.float32), (8, 9, 3), "which is kept; pictures need their channels first"),
        (np.zeros((2, 3, 9, 3), np.uint8), (3, 9, 3), "kept, with 3 channels"),
        (np.zeros((2, 3, 8, 9), np.uint8), (3, 8, 9), ""),
        (np.zeros((2, 1, 28, 28), np.uint8), (1, 28, 28), ""),
        (np.zeros((2, 8, 9, 4), np.uint8), (8, 9, 4), ""),
    ],
)
def test_channels_last_pictures_are_stored_channels_first(
    store: Store, array: NDArray[Any], shape: tuple[int, ...], notice: str
) -> None:
    dataset = store({"k.npz": npz(x=array, label=labels_of(2))})
    assert dataset.shapes["x"] == shape
    notices = " ".join(dataset.notices)
    assert notice in notices if notice else "channels" not in notices


def test_channels_last_values_are_transposed(store: Store) -> None:
    pixels = np.arange(2 * 5 * 4 * 3, dtype=np.uint8).reshape(2, 5, 4, 3)
    dataset = store({"k.npz": npz(x=pixels, label=labels_of(2))})
    assert dataset.values("train/x") == np.moveaxis(pixels, 3, 1).tolist()

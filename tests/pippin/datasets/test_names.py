import unicodedata

import pytest

from pippin.datasets.names import is_split_name, nfc, with_spelling_of

NFC = "Äpfel"
NFD = unicodedata.normalize("NFD", NFC)


@pytest.mark.parametrize(
    "folder",
    ["train", "TEST", "Val", "validation", "train_images", "test-set", "TrainSet", "val2017", "seg_train", "t10k"],
)
def test_split_folder_names_are_recognised(folder: str) -> None:
    assert is_split_name(folder)


@pytest.mark.parametrize(
    "folder", ["train station", "test tube", "valley", "contest", "images", "data", "1", "", "cat"]
)
def test_other_folder_names_are_no_splits(folder: str) -> None:
    assert not is_split_name(folder)


def test_class_names_take_the_models_spelling() -> None:
    assert nfc(NFD) == NFC
    assert with_spelling_of((NFD, "b"), (NFC, "b", "c")) == (NFD, "b", "c")
    assert with_spelling_of((1, 2), ("1", "2")) == ("1", "2")
    assert with_spelling_of((NFD,), None) is None

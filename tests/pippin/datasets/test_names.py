import unicodedata

import pytest

from pippin.datasets.names import composed, is_split_name, spelled_as

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
    assert composed(NFD) == NFC
    assert spelled_as((NFD, "b"), (NFC, "b", "c")) == (NFD, "b", "c")
    assert spelled_as((1, 2), ("1", "2")) == ("1", "2")
    assert spelled_as((NFD,), None) is None

import unicodedata

import pytest

from pippin.datasets.names import composed, is_split_name, spelled_as

NFC = "Äpfel"
NFD = unicodedata.normalize("NFD", NFC)


@pytest.mark.parametrize(
    "folder",
    ["train", "TEST", "Val", "validation", "train_images", "test-set", "TrainSet", "val2017", "seg_train", "t10k"],
)
def test_a_folder_that_names_a_split(folder: str) -> None:
    assert is_split_name(folder)


@pytest.mark.parametrize(
    "folder", ["train station", "test tube", "valley", "contest", "images", "data", "1", "", "cat"]
)
def test_a_folder_that_names_something_else(folder: str) -> None:
    assert not is_split_name(folder)


def test_a_class_is_called_as_the_model_spells_it() -> None:
    assert composed(NFD) == NFC
    assert spelled_as((NFD, "b"), (NFC, "b", "c")) == (NFD, "b", "c")
    assert spelled_as((1, 2), ("1", "2")) == ("1", "2")
    assert spelled_as((NFD,), None) is None

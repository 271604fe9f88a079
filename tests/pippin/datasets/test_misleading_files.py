"""Ambiguous files are refused, or read with a notice of the assumption."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from tests.pippin.datasets.samples import PNG, npz, zipped

Add = Callable[..., dict[str, Any]]


def rows(header: str, values: Sequence[tuple[object, ...]]) -> dict[str, bytes]:
    lines = ([header] if header else []) + [",".join(map(str, cells)) for cells in values]
    return {"d.csv": "".join(f"{line}\n" for line in lines).encode()}


@pytest.mark.parametrize("name", ["Id", "PassengerId", "Unnamed: 0", "t"])
@pytest.mark.parametrize("begin", [0, 1, 892])
def test_column_that_counts_the_rows_is_noted(add: Add, name: str, begin: int) -> None:
    found = add(rows(f"{name},size,label", [(begin + at, at % 7, "ab"[at % 2]) for at in range(40)]))
    assert any(f"column 1 ('{name}') looks like an index" in notice for notice in found["notices"])
    assert found["arrays"]["train/features"].shape == (40, 2)


def test_index_column_is_detected_over_a_long_table(add: Add) -> None:
    long = [(at, at % 7, at % 2) for at in range(60_000)]
    assert "column 1 ('a') looks like an index" in str(add(rows("a,b,label", long))["notices"])
    long[-1] = (7, 7, 1)
    assert "looks like an index" not in str(add(rows("a,b,label", long))["notices"])


def test_unnamed_pandas_index_is_noted_in_any_order(add: Add) -> None:
    assert "looks like an index" in str(add(rows("Unnamed: 0,a,label", [(7, 1, 0), (3, 2, 1)]))["notices"])
    assert "looks like an index" not in str(add(rows("a,b,label", [(1, 1, 0), (2, 2, 1)]))["notices"])


def pen_strokes(at: int) -> tuple[object, ...]:
    return (at * 37 % 101, *(at * step % 101 for step in range(3, 18)), at % 10)


def survival(at: int) -> tuple[object, ...]:
    return (30 + at % 50, 58 + at % 12, at % 30, 1 + (at % 4 == 0))


def cells_of_patients(at: int) -> tuple[object, ...]:
    return (1_000_025 + 7919 * at, *(1 + at * step % 10 for step in range(1, 10)), 2 if at % 3 else 4)


@pytest.mark.parametrize("row", [pen_strokes, survival, cells_of_patients])
def test_integer_table_with_its_label_last_is_not_read_like_mnist(
    details: Callable[..., list[str]], row: Callable[[int], tuple[object, ...]]
) -> None:
    (detail,) = details(rows("", [row(at) for at in range(200)]))
    assert "the last column has fewer different numbers than the first" in detail
    assert "target=" in detail


def test_mnist_table_keeps_its_first_column_as_the_label(add: Add) -> None:
    corners: list[Callable[[int], int]] = [lambda _: 0, lambda at: 255 * (at % 20 == 0), lambda at: at % 200]
    for corner in corners:
        found = add(rows("", [(at * 7 % 10, at % 251, at % 13, 0, corner(at)) for at in range(200)]))
        assert found["features"][-1]["name"] == "label"


def test_y_beside_x_and_z_is_a_coordinate(add: Add, details: Callable[..., list[str]]) -> None:
    (detail,) = details(rows("x,y,Z,activity", [(1, 2, 3, 0), (4, 5, 6, 1)]))
    assert "no column is called label, target, class or y" in detail
    assert add(rows("x,y,z,label", [(1, 2, 3, 0), (4, 5, 6, 1)]))["features"][0]["shape"] == [3]
    assert add(rows("x,y", [(1, 2), (4, 5)]))["features"][1]["name"] == "y"


def test_decimal_commas_are_not_read_as_separators(
    details: Callable[..., list[str]],
) -> None:
    (detail, *_) = details({"d.csv": b"1,5;2,25\n2,5;2,75\n"}, target="2")
    assert "decimal comma" in detail


def test_spaces_before_a_quoted_cell_are_ignored(add: Add) -> None:
    found = add({"d.csv": b'"a", "b", "label"\n1, "2", "big, red"\n3, 4, "small"\n'})
    assert found["labels"] == ["big, red", "small"]


def test_first_row_with_text_read_as_an_example_is_noted(add: Add) -> None:
    spectra: list[tuple[object, ...]] = [(0.1, 0.2, "oak"), (0.2, 0.1, "elm")]
    found = add(rows("400,405,species", spectra), target="3")
    assert "row 1 of d.csv was read as an example, not as a header" in found["notices"][0]
    for options in ({"target": "3", "header": "false"}, {"target": "species"}):
        assert "read as an example" not in str(add(rows("400,405,species", spectra), **options)["notices"])


@pytest.mark.parametrize("name", ["NA", "?", "null", "N/A", "None"])
def test_class_that_looks_like_a_missing_value_is_noted(add: Add, name: str) -> None:
    found = add(rows("a,b,label", [(1, 2, "yes"), (3, 4, name), (5, 6, "no")]))
    assert f"{name!r} is a class" in found["notices"][-1]


def test_classes_that_differ_in_case_only_are_noted(add: Add) -> None:
    found = add(rows("a,b,churn", [(1, 2, "True"), (3, 4, "TRUE"), (5, 6, "False")]), target="churn")
    assert "'TRUE', 'True' are different classes" in found["notices"][-1]


def pictures(*paths: str) -> Mapping[str, bytes]:
    return {"d.zip": zipped(dict.fromkeys(paths, PNG))}


def test_class_without_training_examples_is_noted(add: Add) -> None:
    found = add(pictures("train/cat/1.png", "train/dog/2.png", "test/unknown/3.png"))
    assert found["notices"] == ["the split train has no example of 'unknown', which test has"]
    found = add(pictures("train/Cat/1.png", "test/cat/2.png"))
    assert "'Cat', 'cat' are different classes" in found["notices"][0]


def test_trailing_space_of_a_folder_name_is_ignored(add: Add) -> None:
    assert add(pictures("train/cat /1.png", "train/dog/2.png", "test/cat/3.png"))["labels"] == ["cat", "dog"]


@pytest.mark.parametrize("around", ["", "data/"])
def test_split_folders_inside_class_folders_are_splits(add: Add, around: str) -> None:
    paths = [f"{around}{folder}/{split}/1.png" for folder in ("cat", "dog") for split in ("Train", "test", "val")]
    found = add(pictures(*paths))
    assert found["labels"] == ["cat", "dog"]
    assert {split["name"]: split["examples"] for split in found["splits"]} == {"train": 2, "validation": 2, "test": 2}
    (notice,) = found["notices"]
    assert "class folders that contain split folders, as in" in notice


def test_class_folders_valid_and_invalid_are_classes(add: Add) -> None:
    found = add(pictures("a/valid/1.png", "a/invalid/1.png", "b/valid/1.png", "b/invalid/1.png"))
    assert found["labels"] == ["invalid", "valid"]


def test_many_index_columns_give_one_notice(add: Add) -> None:
    found = add(rows("a,b,c,label", [(at, at + 1, at + 2, 0) for at in range(30)]))
    (index_notice,) = [notice for notice in found["notices"] if "an index" in notice]
    assert index_notice.startswith(
        "column 1 ('a') looks like an index of the rows, as 2 more do, and is used as an input"
    )


def test_unusable_numbers_give_one_fault_per_array(details: Callable[..., list[str]]) -> None:
    values = np.ones((50, 2))
    values[7:, 1] = np.nan
    (detail,) = details({"d.npz": npz(x=values, y=np.zeros(50, np.int32))})
    assert detail == (
        "x.npy example 8 holds nan, which is not a finite number; 42 more of the 50 examples hold such values"
    )


def test_number_of_blank_lines_is_limited(refusal: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pippin.datasets.csv.rows._MAX_BLANK", 3)
    assert "d.csv row 7 is one blank line more than the 3 allowed" in refusal(
        {"d.csv": b"a,label\n\n1,2\n\n\n3,4\n\n\n"}
    )

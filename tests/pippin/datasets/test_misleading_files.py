"""Ambiguous files are refused, or read with a notice of the assumption."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from tests.pippin.datasets.samples import Details, Refusal, Store, npz, pictures


def rows(header: str, values: Sequence[tuple[object, ...]]) -> dict[str, bytes]:
    lines = ([header] if header else []) + [",".join(map(str, cells)) for cells in values]
    return {"d.csv": "".join(f"{line}\n" for line in lines).encode()}


@pytest.mark.parametrize("name", ["Id", "PassengerId", "Unnamed: 0", "t"])
@pytest.mark.parametrize("begin", [0, 1, 892])
def test_column_that_counts_the_rows_is_noted(store: Store, name: str, begin: int) -> None:
    dataset = store(rows(f"{name},size,label", [(begin + at, at % 7, "ab"[at % 2]) for at in range(40)]))
    assert any(f"column 1 ('{name}') looks like an index" in notice for notice in dataset.notices)
    assert dataset.arrays["train/features"].shape == (40, 2)


def test_index_column_is_detected_over_a_long_table(store: Store) -> None:
    long = [(at, at % 7, at % 2) for at in range(60_000)]
    assert "column 1 ('a') looks like an index" in str(store(rows("a,b,label", long)).notices)
    long[-1] = (7, 7, 1)
    assert "looks like an index" not in str(store(rows("a,b,label", long)).notices)


def pen_strokes(at: int) -> tuple[object, ...]:
    return (at * 37 % 101, *(at * step % 101 for step in range(3, 18)), at % 10)


def survival(at: int) -> tuple[object, ...]:
    return (30 + at % 50, 58 + at % 12, at % 30, 1 + (at % 4 == 0))


def cells_of_patients(at: int) -> tuple[object, ...]:
    return (1_000_025 + 7919 * at, *(1 + at * step % 10 for step in range(1, 10)), 2 if at % 3 else 4)


@pytest.mark.parametrize("row", [pen_strokes, survival, cells_of_patients])
def test_integer_table_with_its_label_last_is_not_read_like_mnist(
    details: Details, row: Callable[[int], tuple[object, ...]]
) -> None:
    (detail,) = details(rows("", [row(at) for at in range(200)]))
    assert "the last column has fewer different numbers than the first" in detail
    assert "target=" in detail


def test_mnist_table_keeps_its_first_column_as_the_label(store: Store) -> None:
    corners: list[Callable[[int], int]] = [lambda _: 0, lambda at: 255 * (at % 20 == 0), lambda at: at % 200]
    for corner in corners:
        dataset = store(rows("", [(at * 7 % 10, at % 251, at % 13, 0, corner(at)) for at in range(200)]))
        assert [*dataset.shapes][-1] == "label"


def test_y_beside_x_and_z_is_a_coordinate(store: Store, details: Details) -> None:
    (detail,) = details(rows("x,y,Z,activity", [(1, 2, 3, 0), (4, 5, 6, 1)]))
    assert "no column is called label, target, class or y" in detail
    assert store(rows("x,y,z,label", [(1, 2, 3, 0), (4, 5, 6, 1)])).shapes["features"] == (3,)
    assert [*store(rows("x,y", [(1, 2), (4, 5)])).shapes][1] == "y"


def test_decimal_commas_are_not_read_as_separators(details: Details) -> None:
    (detail, *_) = details({"d.csv": b"1,5;2,25\n2,5;2,75\n"}, target="2")
    assert "decimal comma" in detail


SPECTRA = rows("400,405,species", [(0.1, 0.2, "oak"), (0.2, 0.1, "elm")])


@pytest.mark.parametrize(
    ("files", "target", "notice"),
    [
        (rows("Unnamed: 0,a,label", [(7, 1, 0), (3, 2, 1)]), None, "column 1 ('Unnamed: 0') looks like an index"),
        (SPECTRA, "3", "row 1 of d.csv was read as an example, not as a header"),
        *(
            (rows("a,b,label", [(1, 2, "yes"), (3, 4, name), (5, 6, "no")]), None, f"{name!r} is a class")
            for name in ("NA", "?", "null", "N/A", "None")
        ),
        (rows("a,churn", [(1, "True"), (3, "TRUE"), (5, "False")]), "churn", "'TRUE', 'True' are different classes"),
        (pictures("train/Cat/1.png", "test/cat/2.png"), None, "'Cat', 'cat' are different classes"),
        (
            pictures("train/cat/1.png", "train/dog/2.png", "test/unknown/3.png"),
            None,
            "the split train has no example of 'unknown', which test has",
        ),
    ],
)
def test_assumption_is_noted(store: Store, files: dict[str, bytes], target: str | None, notice: str) -> None:
    options = {} if target is None else {"target": target}
    assert any(notice in each for each in store(files, **options).notices)


@pytest.mark.parametrize(
    ("files", "options", "notice"),
    [
        (rows("a,b,label", [(1, 1, 0), (2, 2, 1)]), {}, "looks like an index"),
        (SPECTRA, {"target": "3", "header": "false"}, "read as an example"),
        (SPECTRA, {"target": "species"}, "read as an example"),
    ],
    ids=["two rows", "example by the header option", "header by the target's name"],
)
def test_no_notice_without_an_assumption(
    store: Store, files: dict[str, bytes], options: dict[str, str], notice: str
) -> None:
    assert notice not in str(store(files, **options).notices)


@pytest.mark.parametrize(
    ("files", "labels"),
    [
        ({"d.csv": b'"a", "b", "label"\n1, "2", "big, red"\n3, 4, "small"\n'}, ["big, red", "small"]),
        (pictures("train/cat /1.png", "train/dog/2.png", "test/cat/3.png"), ["cat", "dog"]),
        (pictures("a/valid/1.png", "a/invalid/1.png", "b/valid/1.png", "b/invalid/1.png"), ["invalid", "valid"]),
    ],
    ids=["spaces before quotes", "trailing space of a folder", "class folders called valid and invalid"],
)
def test_class_names_are_read(store: Store, files: dict[str, bytes], labels: list[str]) -> None:
    assert store(files).labels == labels


@pytest.mark.parametrize("around", ["", "data/"])
def test_split_folders_inside_class_folders_are_splits(store: Store, around: str) -> None:
    paths = [f"{around}{folder}/{split}/1.png" for folder in ("cat", "dog") for split in ("Train", "test", "val")]
    dataset = store(pictures(*paths))
    assert dataset.labels == ["cat", "dog"]
    assert dataset.splits == {"train": 2, "validation": 2, "test": 2}
    (notice,) = dataset.notices
    assert "class folders that contain split folders, as in" in notice


def test_many_index_columns_give_one_notice(store: Store) -> None:
    dataset = store(rows("a,b,c,label", [(at, at + 1, at + 2, 0) for at in range(30)]))
    (index_notice,) = [notice for notice in dataset.notices if "an index" in notice]
    assert index_notice.startswith(
        "column 1 ('a') looks like an index of the rows, as 2 more do, and is used as an input"
    )


def test_unusable_numbers_give_one_fault_per_array(details: Details) -> None:
    values = np.ones((50, 2))
    values[7:, 1] = np.nan
    (detail,) = details({"d.npz": npz(x=values, y=np.zeros(50, np.int32))})
    assert detail == (
        "x.npy example 8 holds nan, which is not a finite number; 42 more of the 50 examples hold such values"
    )


def test_number_of_blank_lines_is_limited(refusal: Refusal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pippin.datasets.csv.rows._MAX_BLANK", 3)
    assert "d.csv row 7 is one blank line more than the 3 allowed" in refusal(
        {"d.csv": b"a,label\n\n1,2\n\n\n3,4\n\n\n"}
    )

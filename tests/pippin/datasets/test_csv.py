import csv
import gzip
import io
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from pippin.datasets.errors import DatasetError
from pippin.datasets.limits import DatasetLimits
from pippin.datasets.names import nfc
from pippin.datasets.options import DatasetOptions
from tests.pippin.datasets.samples import Refusal, Store, train_split_of, zipped

HOUSES = b"rooms,area,price\n3,70.5,210000.5\n2,40,99000\n"
PRICE = {"target": "price"}
FLOWERS = b"petal,sepal,species\n1.5,2,rose\n3,4.25,iris\n5,6,rose\n"
SPECIES = {"target": "species"}


def test_the_label_comes_first_without_a_header(store: Store) -> None:
    dataset = store({"": b"7,0,128\n2,255,1\n"})
    assert dataset.manifest.format == "csv"
    assert dataset.shapes == {"features": (2,), "label": (1,)}
    assert dataset.feature("features") == ((2,), "float32", 1.0)
    assert dataset.feature("label") == ((1,), "int32", 1.0)
    assert dataset.values("train/features") == [[0, 128], [255, 1]]
    assert dataset.values("train/label") == [[7], [2]]
    assert dataset.labels is None


@pytest.mark.parametrize(
    "text",
    [
        b"label,a,b\n1,2,3\n4,5,6\n",
        b"a,label,b\n2,1,3\n5,4,6\n",
        b"\xef\xbb\xbflabel,a,b\r\n1,2,3\r\n4,5,6",
        b'"label","a","b"\n"1","2","3"\n\n"4"," 5 ","6"\n',
        b"label;a;b\n1;2;3\n4;5;6\n",
        b"label\ta\tb\n1\t2\t3\n4\t5\t6\n",
        b"label,0,1\n1,2,3\n4,5,6\n",
    ],
    ids=["first", "by name", "from Excel", "quoted", "semicolons", "tabs", "numbered"],
)
def test_a_header_is_recognised_and_its_label_found(store: Store, text: bytes) -> None:
    dataset = store({"data.csv": text})
    assert dataset.values("train/label") == [[1], [4]]
    assert dataset.values("train/features") == [[2, 3], [5, 6]]


def test_first_row_of_numbers_can_be_declared_a_header(store: Store) -> None:
    dataset = store({"data.csv": b"0,1,2\n7,8,9\n"}, header="true", target="1")
    assert dataset.values("train/1") == [[8]]
    assert dataset.values("train/features") == [[7, 9]]


@pytest.mark.parametrize(
    ("text", "target", "values", "labels"),
    [
        (HOUSES, "price", [[210000.5], [99000.0]], None),
        (b"label,a\n4000000000,1\n", "label", [[4e9]], None),
        (FLOWERS, "species", [[1], [0], [1]], ["iris", "rose"]),
        (b"rose,1.5,2\niris,3,4\n", "label:1", [[1], [0]], ["iris", "rose"]),
    ],
    ids=["numbers", "whole numbers beyond 32 bits", "class names", "class names in the first row"],
)
def test_target_holds_quantities_or_numbered_class_names(
    store: Store, text: bytes, target: str, values: list[list[float]], labels: list[str] | None
) -> None:
    dataset = store({"data.csv": text}, target=target)
    name = target.partition(":")[0]
    assert dataset.feature(name) == ((1,), "int32" if labels else "float32", 1.0)
    assert dataset.values(f"train/{name}") == values
    assert dataset.labels == labels


def test_columns_can_be_grouped_and_named_for_the_model(store: Store) -> None:
    text = b"id,width,height,age,x,y\nq,1,2,3,4,5\nr,6,7,8,9,10\n"
    dataset = store({"data.csv": text}, inputs="size:height,width;age", target="place:x,y")
    assert list(dataset.shapes) == ["size", "age", "place"]
    assert dataset.values("train/size") == [[2, 1], [7, 6]]
    assert dataset.values("train/age") == [[3], [8]]
    assert dataset.values("train/place") == [[4, 5], [9, 10]]


def test_pixels_with_a_shape_are_an_image(store: Store) -> None:
    dataset = store({"mnist.csv.gz": gzip.compress(b"5,0,255,3,4\n6,1,2,0,9\n")}, shape="1,2,2")
    assert dataset.feature("image") == ((1, 2, 2), "uint8", 1 / 255)
    assert dataset.values("train/image") == [[[[0, 255], [3, 4]]], [[[1, 2], [0, 9]]]]


@pytest.mark.parametrize(
    "row",
    [b"5,0,1,1,0\n", b"5,0.5,0,1,200\n", b"5,-1,0,1,200\n", b"5,256,0,1,2\n"],
    ids=["0 and 1", "a fraction", "-1", "256"],
)
def test_values_that_are_no_bytes_stay_floats_with_a_shape(store: Store, row: bytes) -> None:
    assert store({"mnist.csv": row}, shape="1,2,2", target="1").feature("image") == ((1, 2, 2), "float32", 1.0)


def test_a_vector_can_be_given_a_shape(store: Store) -> None:
    dataset = store({"data.csv": b"5,1,2,3,4\n"}, shape="2,2")
    assert dataset.values("train/features") == [[[1, 2], [3, 4]]]


def test_each_file_is_a_split(store: Store) -> None:
    files = {"mnist_train.csv": FLOWERS, "mnist_test.csv": b"petal,sepal,species\n1,2,tulip\n"}
    for sent in (files, {"all.zip": zipped(files)}):
        dataset = store(sent, **SPECIES)
        assert dataset.splits == {"train": 3, "test": 1}
        # One numbering for all splits.
        assert dataset.labels == ["iris", "rose", "tulip"]
        assert dataset.values("test/species") == [[2]]


def test_extreme_values_have_the_row_number_of_an_editor(store: Store) -> None:
    dataset = store({"data.csv": b'label,a\n\n1,"2"\n3,0.5\n"-7",9\n'})
    ranges = dataset.manifest.ranges["train"]
    assert ranges["label"].model_dump() == {
        "minimum": -7,
        "minimum_at": "data.csv row 5",
        "maximum": 3,
        "maximum_at": "data.csv row 4",
        "fraction_at": None,
    }
    assert ranges["features"].fraction_at == "data.csv row 4"


def test_multi_line_rows_are_numbered_by_their_first_line(refusal: Refusal) -> None:
    message = refusal({"d.csv": b'label,a\n"b\nb",1\n"c\nd",x\n'})
    assert "d.csv row 4, column 2 ('a'): 'x' is not a number" in message


@pytest.mark.parametrize(
    ("text", "options", "expected"),
    [
        (HOUSES + b"x,1,2\n", PRICE, r"d\.csv row 4, column 1 \('rooms'\): 'x' is not a number"),
        (HOUSES + b"1,,2\n", PRICE, r"row 4, column 2 \('area'\): the cell is empty"),
        (HOUSES + b"1,2\n", PRICE, r"row 4 has 2 cells, not 3 as the first row"),
        (HOUSES + b"1,inf,2\n", PRICE, r"row 4, column 2 \('area'\): 'inf' is not a finite"),
        (HOUSES + b"1,1e99,2\n", PRICE, r"row 4, column 2 \('area'\): '1e\+99' is not a finite number, or too large"),
        (HOUSES + b"1,2,nan\n", PRICE, r"row 4, column 3 \('price'\): 'nan' is not a finite number"),
        (HOUSES + b"1,2,\n", PRICE, r"row 4, column 3 \('price'\) is empty"),
        (HOUSES + b"1,2,dear\n", PRICE, r"row 4, column 3 \('price'\): 'dear' is not a number, but .* numbers"),
        (FLOWERS + b"1,2,3\n", SPECIES, r"row 5, column 3 \('species'\): '3' is a number, but .* text"),
        (FLOWERS, {}, r"/target: d\.csv: no column is called label, target, class or y; .* petal, sepal, species"),
        (HOUSES, {"target": "cost"}, r"/target: d\.csv has no column 'cost'; its columns are rooms, area, price"),
        (
            b"5,2\n",
            {"target": "b"},
            r"no column 'b'; row 1 was read as an example, so .* the numbers 1, 2; set header=true",
        ),
        (HOUSES, {"inputs": "rooms,area", **PRICE}, r"/inputs: .* one feature .* inputs=features:rooms,area$"),
        (HOUSES, {"inputs": "a:rooms,x", **PRICE}, r"/inputs: d\.csv has no column 'x'"),
        (HOUSES, {"inputs": "price", **PRICE}, r"/inputs: 'price' is the target"),
        (HOUSES, {"inputs": "p:rooms", "target": "p:price"}, r"/target: d\.csv: two features would be called 'p'"),
        (HOUSES, {"shape": "1,2,2", **PRICE}, r"/shape: the shape \[1, 2, 2\] has 4 values, and .* 2 columns"),
        (HOUSES, {"shape": "1", "inputs": "rooms;area", **PRICE}, r"/shape: a shape is for one feature"),
        (HOUSES, {"scale": "0.5", **PRICE}, r"/scale: scale applies to features of uint8"),
        (
            HOUSES,
            {"color": "gray", "format": "csv"},
            r"/color: color has no effect on the format csv, whose options are",
        ),
        (b"a,a,label\n1,2,3\n", {"inputs": "a"}, r"has 2 columns called 'a'"),
        (b"label,,b\n1,2,3\n", {}, r"column 2 has no name; it may be an index"),
        (b",a,b\n1,2,3\n", {}, r"set target= to one of its 3 columns, .* \(no name\), a, b"),
        (b"label\n1\n", {}, r"has no column besides the target .* no comma, semicolon, tab or pipe"),
        (b"label,a\n", {}, r"the split train has no examples"),
        (b"\n\n", {"format": "csv"}, r"d\.csv has no rows"),
        (b"label,a\n1,\xff\n", {"format": "csv"}, r"d\.csv row 2: the byte 0xFF is not UTF-8"),
        (b'label,a\n1,"2\n', {}, r"d\.csv row 2: a quoted cell is not closed before the file ends"),
        (b'label,a\n1,"2"3\n', {}, r"d\.csv row 2: a quoted cell continues after its closing quote"),
        (b"label,a\n1,2\0\n", {"format": "csv"}, r"row 2, column 2 \('a'\): '2\\x00' is not a number"),
        (b"label,a\n1," + b"9" * 200_000, {}, r"d\.csv row 2: a cell is longer than 131,072 characters"),
    ],
)
def test_malformed_table_is_refused_with_its_position(
    refusal: Refusal, text: bytes, options: dict[str, str], expected: str
) -> None:
    assert re.search(expected, refusal({"d.csv": text}, **options))


def test_files_need_equal_columns_and_distinct_splits(refusal: Refusal) -> None:
    other = b"petal,length,species\n1,2,rose\n"
    assert "train.csv and test.csv have different columns" in refusal(
        {"train.csv": FLOWERS, "test.csv": other}, **SPECIES
    )
    assert "are both the split train" in refusal({"train.csv": FLOWERS, "train2.csv": FLOWERS}, **SPECIES)


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        (DatasetLimits(max_examples=2), r"d\.csv row 4 exceeds the limit of 2 examples"),
        (DatasetLimits(max_columns=2), r"d\.csv has 3 columns; 2 are allowed"),
        (DatasetLimits(max_classes=1), r"row 3, column 3 \('species'\): there are more than 1 different class labels"),
        (DatasetLimits(max_label_characters=3), r"has 4 characters; 3 are allowed"),
        (DatasetLimits(max_labels_bytes=5), r"the class labels take more than 5 bytes together"),
        (DatasetLimits(max_bytes=10), r"the upload has 52 bytes; 10 are allowed"),
        (DatasetLimits(max_unpacked_bytes=50), r"unpacks to more than the 50 bytes allowed"),
    ],
)
def test_limits_are_enforced(refusal: Refusal, limits: DatasetLimits, expected: str) -> None:
    assert re.search(expected, refusal({"d.csv": FLOWERS}, limits, **SPECIES, format="csv"))


@pytest.mark.full
def test_endless_row_does_not_fill_memory(refusal: Refusal) -> None:
    assert "is longer than" in refusal({"d.csv.gz": gzip.compress(b"1," * (5 * 2**20))}, format="csv")
    endless = b"label,a\n" + b'"\n",' * (3 * 2**20)
    assert "is longer than" in refusal({"d.csv.gz": gzip.compress(endless)}, format="csv")


def read(rows: Iterable[Sequence[object]]) -> tuple[dict[str, NDArray[Any]], tuple[str, ...] | None]:
    """What is read from a table that Python's csv module writes, whose first column is the label."""
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    options = DatasetOptions(format="csv", header=False, target="label:1")
    return train_split_of({"d.csv": text.getvalue().encode()}, options)


# Whole numbers above 2**24 are refused where another whole number would be stored as the same float.
cells = st.floats(-(2**24), 2**24, width=32)
names = st.text(st.characters(codec="utf-8", categories=["L", "P", "S"]), min_size=1, max_size=8).map(str.strip)


@given(st.integers(1, 4).flatmap(lambda width: st.lists(st.lists(cells, min_size=width, max_size=width), min_size=1)))
def test_written_rows_read_back(rows: list[list[float]]) -> None:
    arrays, _ = read([0, *row] for row in rows)
    assert arrays["features"].tobytes() == np.array(rows, np.float32).tobytes()


def is_text(name: str) -> bool:
    try:
        float(name)
    except ValueError:
        return bool(name)
    return False


@given(st.lists(names.filter(is_text), min_size=1))
def test_class_numbers_map_back_to_class_names(labels: list[str]) -> None:
    arrays, classes = read([label, 1] for label in labels)
    assert classes is not None
    assert [classes[number] for (number,) in arrays["label"]] == [nfc(label) for label in labels]


@given(st.data())
def test_damaged_bytes_are_refused_or_read(data: st.DataObject) -> None:
    content = bytearray(b'label,a,b\n1,2,3\n"x",4,5\n')
    for _ in range(data.draw(st.integers(1, 5))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(
            st.sampled_from([*b'",;\n\r\t\0x-+.e0123', 0xFF, 0xC3])
        )
    with suppress(DatasetError):
        sent = bytes(content[: data.draw(st.integers(0, len(content)))])
        arrays, _ = train_split_of({"d.csv": sent}, DatasetOptions(format="csv"))
        assert len({len(array) for array in arrays.values()}) == 1

"""The forms that tables come in: headers, targets, encodings, delimiters, and what looks like a number."""

import re

import pytest

from pippin.datasets.errors import quoted
from tests.pippin.datasets.samples import Details, Refusal, Store, table, zipped

PIXELS = b"5,0,255,3,4\n6,1,2,0,9\n7,0,0,0,1\n"


@pytest.mark.parametrize("name", ["label", "Label", "TARGET", "class", " y "])
def test_target_column_is_found_by_name_with_a_notice(store: Store, name: str) -> None:
    dataset = store({"d.csv": table(f"a,b,{name}", "1,2,3", "4,5,6")})
    assert dataset.values(f"train/{name.strip()}") == [[3], [6]]
    assert dataset.notices == [f"the target is column 3 ('{name.strip()}'), by its name; set target= to change it"]


def test_names_of_columns_are_compared_in_nfc(store: Store) -> None:
    dataset = store({"d.csv": table("gro\u0308\u00dfe,preis", "1,2.5")}, inputs="gr\u00f6\u00dfe", target="preis")
    assert dataset.values("train/gr\u00f6\u00dfe") == [[1]]


def test_input_columns_are_no_target_candidates(store: Store) -> None:
    dataset = store({"d.csv": table("x,y,class", "1,2,3", "4,5,6")}, inputs="place:x,y")
    assert dataset.values("train/class") == [[3], [6]]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (("pixel0,pixel1", "0,1"), "set target= to one of its 2 columns, .* pixel0, pixel1"),
        (("a,y,Class", "1,2,3"), "y, Class could each be the target; set target="),
        (("label,label,a", "1,2,3"), "label, label could each be the target"),
        (("1.5,0,1", "2.5,3,4"), "row was read as an example.* from 1 to 3, such as target=3 for the last"),
        (("5.1,3.5,rose", "4.9,3,iris"), r"only column 3, target=3, holds text"),
        (("0,7,3", "0,1,9"), "the first column has the same number in every row"),
        (("-1,7,3", "0,1,9"), "such as target=3"),
        (tuple(f"{at},7,3" for at in range(30)), "the first column numbers the rows"),
        (
            (*(f"{at % 3},7,3" for at in range(30)), "1,2,256"),
            "another column has values other than bytes from 0 to 255",
        ),
        (
            (*(f"{at % 3},7,3" for at in range(30)), "1,2.5,0"),
            "another column has values other than bytes from 0 to 255",
        ),
        ((*(f"{at % 3},7,3" for at in range(30)), "1.5,2,0"), "values other than whole numbers from 0"),
    ],
)
def test_table_with_an_ambiguous_target_is_refused(refusal: Refusal, rows: tuple[str, ...], expected: str) -> None:
    message = refusal({"d.csv": table(*rows)})
    assert "/target: d.csv" in message
    assert re.search(expected, message), message


def test_mnist_csv_uses_its_first_column_with_a_notice(store: Store) -> None:
    for sent in ({"d.csv": PIXELS}, {"d.zip": zipped({"train.csv": PIXELS, "test.csv": PIXELS})}):
        dataset = store(sent, shape="1,2,2")
        assert dataset.values("train/label") == [[5], [6], [7]]
        assumed, scaled = dataset.notices
        assert assumed.startswith("the target is column 1: the columns have no names")
        assert scaled.startswith("the bytes of 'image' are multiplied by 1/255")
    assert store({"d.csv": PIXELS}, shape="1,2,2", target="label:1").notices == [scaled]


def test_the_splits_of_a_zip_need_the_same_target_and_header(refusal: Refusal) -> None:
    def refused(test: bytes) -> str:
        train = table("a,b,label", "1,2,3")
        return refusal({"d.zip": zipped({"data/train.csv": train, "data/test.csv": test})})

    assert "/target: data/test.csv: no column is called label" in refused(table("a,b", "1,2"))
    assert "data/test.csv has no 'b', which data/train.csv has" in refused(table("a,c,label", "1,2,3"))
    assert "their columns are in a different order" in refused(table("b,a,label", "1,2,3"))
    assert "data/train.csv was read with a header and data/test.csv without" in refused(table("7,3,4", "2,0,1"))
    assert "data/test.csv row 2, column 3 ('label'): 'x' is not a number" in refused(table("a,b,label", "1,2,x"))


COUNTED = "0,1,2,3,4,5"


@pytest.mark.parametrize(
    ("header", "row", "options"),
    [
        (COUNTED, "7,9,8,5,4,3", {"target": "0"}),
        ("1,2,3,4,5,6", "7,9,8,5,4,3", {"target": "1"}),
        (f"label,{COUNTED}", "7,9,8,5,4,3,2", {}),
        (f"label,{COUNTED}", "rose,9,8,5,4,3,2", {}),
        (f"{COUNTED},label", "9,8,5,4,3,2,rose", {}),
        ("label,1,2", "7,9,8", {}),
        (f",{COUNTED}", "0,7,9,8,5,4,3", {"target": "0", "inputs": "x:1,2"}),
        ('"0","1","2","3","4"', "7,9,8,5,4", {"target": "0"}),
        ("name,2019,2020,2021", "rose,5,6,9", {"target": "name"}),
        ("id,2019,2020,2021", "7,5,6,9", {"target": "2021", "inputs": "id"}),
    ],
)
def test_first_row_of_column_numbers_is_a_header(store: Store, header: str, row: str, options: dict[str, str]) -> None:
    assert store({"d.csv": table(header, row, row)}, **options).splits == {"train": 2}


def test_pixels_below_a_counted_header_are_bytes(store: Store) -> None:
    names = ",".join(str(at) for at in range(785))
    rows = [f"{label}," + ",".join(str((at + label) % 256) for at in range(784)) for label in (3, 1, 2)]
    dataset = store({"frame.csv": table(names, *rows)}, shape="1,28,28")
    assert dataset.feature("image") == ((1, 28, 28), "uint8", 1 / 255)
    assert dataset.values("train/label") == [[3], [1], [2]]
    counted, assumed, _ = dataset.notices
    assert counted.startswith("row 1 numbers the columns (0, 1, 2, …), so it was read as a header")
    assert assumed.startswith("the target is column 1")


@pytest.mark.parametrize(
    "rows",
    [
        ("5.1,3.5,1.4,0.2,rose", "4.9,3.0,1.4,0.2,iris"),
        ("1,14.23,1.71,2.43,x", "1,13.2,1.78,2.14,y"),
        ("0.02,0.37,0.04,0.1,R", "0.04,0.5,0.08,0.2,M"),
        ("9,1,7,0,12", "5,1,7,0,8"),
    ],
)
def test_headerless_tables_with_the_label_last_are_read_by_position(store: Store, rows: tuple[str, ...]) -> None:
    assert store({"d.csv": table(*rows)}, target="5").splits == {"train": 2}


@pytest.mark.parametrize(
    ("rows", "target"),
    [
        (("0,1,2", "7,8,1"), "1"),  # too few columns to be sure
        (("0,1,2,3", "4,5,6,7"), "1"),  # the row below counts too
        (("2018,2019,2020,2021", "5,1,2,9"), "1"),
        (("rose,5,6,7", "iris,1,2,9"), "1"),
        (("5,0,0.1,0.2,0.3,18", "4,0,0,0,0,9"), "1"),  # a row of pixels that pandas took for names and made different
        (("5.1,?,1.4,rose", "4.9,3,1.4,iris", "5,3,1,rose"), "1"),  # a missing value
        (("Y,2,8,3", "I,5,12,3"), "1"),  # a class called as a target is
        (("5.1,3.5,1.4,0.2,Class", "4.9,3.0,1.4,0.2,iris"), "5"),  # the same in the last column
    ],
)
def test_ambiguous_header_is_refused(refusal: Refusal, rows: tuple[str, ...], target: str) -> None:
    message = refusal({"d.csv": table(*rows)}, target=target)
    assert "/header: d.csv: row 1" in message
    assert "set header=true if it names the columns, header=false if it is an example" in message


def test_column_number_for_a_table_with_a_header_is_explained(refusal: Refusal) -> None:
    message = refusal({"d.csv": table("a,b,c", "1,2,3")}, target="3")
    assert "no column '3'; its columns are a, b, c" in message
    assert "set header=false to read row 1 as an example" in message


@pytest.mark.parametrize(
    ("text", "form"),
    [
        *(
            (number, "numbers with a thousands separator")
            for number in ("197,095", "1,234.50", "1.234.567", "1.234,56", "1 234", "1\u202f234", "1'234")
        ),
        ("1,5", "numbers with a decimal comma"),
        ("$1,200", "amounts with a currency sign"),
        ("12.50 €", "amounts with a currency sign"),
        ("7%", "numbers with a percent sign"),
        ("(1,200)", "negative numbers in parentheses"),
        ("\u22125", "numbers with a typographic minus sign"),
    ],
)
def test_numbers_in_other_notations_make_no_classes(refusal: Refusal, text: str, form: str) -> None:
    message = refusal({"d.csv": table("a;price", f"1;{text}", "2;unknown")}, target="price")
    assert f"d.csv row 2, column 2 ('price'): {quoted(text)} looks like {form}" in message
    assert "as 1234.5" in message
    as_input = refusal({"d.csv": table("a;price", f"{text};1")}, target="price")
    assert f"is not a number; it looks like {form}" in as_input


def test_thousands_separator_among_plain_numbers_is_explained(refusal: Refusal) -> None:
    for values in (("950", '"1,200"'), ('"1,200"', "950")):
        message = refusal({"d.csv": table("a,price", *(f"1,{value}" for value in values))}, target="price")
        assert "looks like numbers with a thousands separator" in message


@pytest.mark.parametrize(
    "names",
    [
        ("BMW 320", "Audi 80"),
        ("3-4", "5-6"),
        ("1_2", "3_4"),  # Python's float would read 12 and 34
        ("v1", "v2"),
        ("1,5", "a", "b"),
    ],
)
def test_class_names_with_digits_are_accepted(store: Store, names: tuple[str, ...]) -> None:
    rows = [f"{at};{name}" for at, name in enumerate(names)]
    dataset = store({"d.csv": table("a;kind", *rows)}, target="kind")
    assert dataset.labels == sorted(names)


def test_classes_made_from_text_are_noted(store: Store) -> None:
    rows = [f"{-at},class-{at:02}" for at in range(25)]
    (notice,) = store({"d.csv": table("a,kind", *rows)}, target="kind").notices
    assert notice.startswith(
        "the target, column 2 ('kind'), holds text, which became 25 classes: 'class-00', 'class-01'"
    )
    assert notice.endswith("'class-09' and 15 more")


@pytest.mark.parametrize(
    "value", ["16777217", "16777217.0", "1.6777217e7", "-33554433", "3000000001", "9007199254740993", "999999999999"]
)
def test_integers_that_float32_cannot_distinguish_are_refused(refusal: Refusal, value: str) -> None:
    as_input = refusal({"d.csv": table("a,label", "1,1", f"{value},2")})
    assert re.search(r"d\.csv row 3, column 1 \('a'\): the whole number .* would equal its neighbours", as_input)
    as_pair = refusal({"d.csv": table("a,x,y", "1,1,2", f"1,{value},3")}, target="place:x,y")
    assert "row 3, column 2 ('x'): the whole number" in as_pair
    # Beside a fraction, all targets are quantities.
    as_target = refusal({"train.csv": table("a,label", "1,0.5"), "test.csv": table("a,label", "1,2", f"1,{value}")})
    assert "test.csv row 3, column 2 ('label'): the whole number" in as_target


def test_many_large_ids_are_counted_in_one_fault(refusal: Refusal) -> None:
    message = refusal({"ids.csv": table("a,b,label", "1,2,3000000001", "3,4,3000000002")})
    assert "column 3 ('label'): 2 of 2 rows are whole numbers that would equal their neighbours" in message
    assert "first row 2: '3000000001'" in message


@pytest.mark.parametrize("value", ["16777216", "16777218", "1.5e11", "123456000000", "1e19", "4000000000"])
def test_numbers_of_few_digits_are_kept(store: Store, value: str) -> None:
    dataset = store({"d.csv": table("a,label", f"{value},1")})
    assert dataset.arrays["train/features"][0, 0] == pytest.approx(float(value), rel=1e-7)
    assert len(dataset.notices) == 1  # of the target


def test_class_numbers_are_kept_exactly(store: Store) -> None:
    dataset = store({"d.csv": table("a,label", "1,16777217", "2,16777218")})
    assert dataset.values("train/label") == [[16777217], [16777218]]


@pytest.mark.parametrize(
    "values",
    [
        ("1700000038.9", "1700000039.1"),
        ("0.12345678901", "0.12345678902"),
        ("16777218", "16777218.4", "0"),
        ("18446744073709551617", "1", "2"),
    ],
)
def test_columns_that_lose_differences_to_rounding_are_noted(store: Store, values: tuple[str, ...]) -> None:
    rows = [f"{value},{at}" for at, value in enumerate(values)]
    for header, name in (("a,label", "a"), ("label,a", "label")):
        notices = store({"d.csv": table(header, *rows)}).notices
        assert any(each.startswith(f"column 1 ('{name}') of d.csv was rounded to steps of up to") for each in notices)


def test_fractions_that_stay_distinct_are_not_noted(store: Store) -> None:
    assert not any("rounded" in each for each in store({"d.csv": table("a,label", "0.1,1", "0.7,2")}).notices)


TEXT = "a\tb\tlabel\r\n1\t2\tcafé\r\n3\t4\tthé\r\n"


@pytest.mark.parametrize(
    ("content", "notice"),
    [
        (TEXT.encode("utf-16"), "d.csv was read as UTF-16"),
        (b"\xfe\xff" + TEXT.encode("utf-16-be"), "d.csv was read as UTF-16"),
        (TEXT.encode("utf-16-le"), "d.csv was read as UTF-16"),
        (TEXT.encode("utf-16-be"), "d.csv was read as UTF-16"),
        (TEXT.encode("utf-32"), "d.csv was read as UTF-32"),
        (TEXT.replace("\r\n", "\r").encode(), "d.csv has lines that end in CR"),
        (TEXT.replace("\t", "|").encode(), "d.csv was read with pipes between its cells"),
        (TEXT.encode("utf-8-sig"), ""),
        (b"sep=;\r\n" + TEXT.replace("\t", ";").encode(), ""),
        (b"# " + TEXT.encode(), ""),  # as numpy.savetxt writes a header
        (TEXT.replace("a", '"a; b, c"', 1).replace("\t", ";").encode(), ""),
        (TEXT.replace("a", "size, cm", 1).replace("\t", ";").encode(), ""),
    ],
)
def test_tables_in_other_encodings_and_separators_are_read(store: Store, content: bytes, notice: str) -> None:
    for sent in ({"d.csv": content}, {"all.zip": zipped({"d.csv": content})}):
        dataset = store(sent)
        assert dataset.labels == ["café", "thé"]
        assert dataset.values("train/features") == [[1, 2], [3, 4]]
        assert any(notice in each for each in dataset.notices)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("a,b,label\n1,2,café\n".encode("latin-1"), r"row 2: the byte 0xE9 is not UTF-8 .* read 'café'\); save"),
        (b"a,b,label\n" + b"1,2,x\n" * 5000 + "1,2,x€\n".encode("cp1252"), r"row 5002: the byte 0x80 .* 'x€'"),
        ("größe,label\n1,2\n".encode("latin-1"), r"row 1: the byte 0xF6 is not UTF-8 .* 'größe'"),
        ("a,label\n1,2\n".encode("utf-16") + b"\0\xd8", r"is not valid UTF-16 after row 2"),
        (b"1.0 2.0 0\n3.0 4.0 1\n", r"row 1 has no comma, semicolon, tab or pipe, .* spaces"),
        (b"# by tool\na,b,label\n1,2,x\n", r"row 1 begins with '#', like a comment"),
        (b"% made by me\na,b,label\n1,2,x\n", r"row 1 begins with '%', like a comment"),
        (b"a,b,label\n1,2,x\n# the end\n", r"row 3 begins with '#', like a comment"),
        (b"a;b;label\n1,5;2,25;x\n", r"column 1 \('a'\): '1,5' is not a number; it looks like .* a decimal comma"),
        (b'{"a": 1, "b": 2}\n{"a": 3, "b": 4}\n', r"is JSON"),
        (b'[\n  {"a": 1}\n]\n', r"is JSON"),
        (b"[[1,2],[3,4]]", r"is JSON"),
        ('[{"a": 1}]'.encode("utf-16"), r"row 1 is JSON"),
        (b'a b label\n1 2 "x y"\n', r"seem to be separated by spaces"),
        (b"text\nhello\n", r"no comma, semicolon, tab or pipe between cells in the first row"),
        (b"| a | label |\n|---|---|\n| 1 | 2 |\n", r"a Markdown table: row 2 has only dashes"),
        (b"label\ta\n1\t18.0 8 307\n", r"'18.0 8 307' is not a number; .* several numbers separated by spaces"),
        (b"label,a\n1,1_000\n", r"'1_000' is not a number; it looks like numbers with underscores"),
    ],
)
def test_other_formats_are_refused_by_name(refusal: Refusal, content: bytes, expected: str) -> None:
    assert re.search(expected, refusal({"d.csv": content}))


def test_faults_are_counted_by_column_and_kind(details: Details) -> None:
    rows = [f"{at},{'n/a' if at % 2 else 7},{'' if at == 4 else 5},{at % 2}" for at in range(900)]
    faults = details({"d.csv": table("a,age,size,label", *rows, "1,2", "1", "inf,1,1,0")})
    assert [fault.split(";")[0] for fault in faults] == [
        "d.csv, column 2 ('age'): 450 of 903 rows are not numbers, first row 3: 'n/a'",
        "d.csv row 6, column 3 ('size'): the cell is empty",
        "d.csv: 2 of 903 rows have more or fewer cells than the first row, first row 902 with 2 cells, not 4",
        "d.csv row 904, column 1 ('a'): 'inf' is not a finite number, or too large for a 32-bit float",
    ]


def test_many_faulty_columns_give_one_fault(details: Details) -> None:
    names = ",".join(f"p{at}" for at in range(631))
    row = ",".join(["n/a"] * 631)
    (detail,) = details({"d.csv": table(f"label,{names}", f"1,{row}", f"2,{row}")})
    assert detail.startswith("d.csv: 1,262 cells in 631 columns are not numbers, first row 2, column 2 ('p0'): 'n/a'")


def test_reading_stops_after_many_faults(details: Details) -> None:
    (detail,) = details({"d.csv": b"label,a\n" + b"1,x\n" * 100_005})
    assert "100,000 of the first 100,000 rows are not numbers" in detail

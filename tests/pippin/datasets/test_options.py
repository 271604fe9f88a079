import re

import pytest

from pippin.datasets.errors import DatasetError
from pippin.datasets.options import DatasetOptions
from tests.pippin.datasets.samples import Refusal, idx


def test_query_is_parsed_into_options() -> None:
    options = DatasetOptions.from_query(
        {"format": "csv", "scale": "0.5", "target": "y", "inputs": "a:b,c;d", "shape": "1,28,28", "header": "true"}
    )
    assert options == DatasetOptions(
        format="csv",
        scale=0.5,
        target={"y": ("y",)},
        inputs={"a": ("b", "c"), "d": ("d",)},
        shape=(1, 28, 28),
        header=True,
    )


def test_empty_query_sets_no_option() -> None:
    assert DatasetOptions.from_query({}).model_dump(exclude_none=True) == {}


@pytest.mark.parametrize(
    ("query", "pointer", "detail"),
    [
        ({"format": "xls"}, "/format", "'idx', 'csv', 'npz' or 'images'"),
        ({"colour": "gray"}, "/colour", "is not an option of a dataset; the options are format, scale"),
        ({"scale": "x"}, "/scale", "found 'x'; needs a number"),
        ({"scale": "0"}, "/scale", "more than 0"),
        ({"scale": "nan"}, "/scale", "finite"),
        ({"inputs": ""}, "/inputs", "size:width,height;age"),
        ({"inputs": "a:b,,c"}, "/inputs", "at least one column"),
        ({"inputs": "a;a"}, "/inputs", "'a' occurs twice"),
        ({"target": "a;b"}, "/target", "one target"),
        ({"shape": "1,x"}, "/shape", "a whole number"),
        ({"shape": "0"}, "/shape", "1 or more"),
        ({"header": "perhaps"}, "/header", "true or false"),
        ({"color": "blue"}, "/color", "'gray' or 'rgb'"),
        ({"color": "grey"}, "/color", "did you mean 'gray'?"),
        ({"label": "x"}, "/label", "did you mean 'target'?"),
        ({"grayscale": "1"}, "/grayscale", "did you mean 'color'?"),
    ],
)
def test_invalid_query_is_refused_at_its_parameter(query: dict[str, str], pointer: str, detail: str) -> None:
    with pytest.raises(DatasetError) as raised:
        DatasetOptions.from_query(query)
    assert {fault.pointer.split("/")[1] for fault in raised.value.faults} == {pointer[1:]}
    assert re.search(re.escape(detail), raised.value.faults[0].detail), raised.value.faults


def test_every_invalid_parameter_is_reported() -> None:
    with pytest.raises(DatasetError) as raised:
        DatasetOptions.from_query({"scale": "x", "header": "x"})
    assert [fault.pointer for fault in raised.value.faults] == ["/scale", "/header"]


def test_option_unused_by_the_format_is_refused(refusal: Refusal) -> None:
    message = refusal({"images": idx([[1, 2]]), "labels": idx([1])}, target="label")
    assert "/target: target has no effect on the format idx, whose options are scale" in message

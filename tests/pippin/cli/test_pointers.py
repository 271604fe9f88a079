import pytest

from pippin.cli.errors import field, in_options, option, sentences
from pippin.errors import Fault


@pytest.mark.parametrize(
    ("pointer", "path"),
    [
        ("", ""),
        ("/hyperparameters/epochs", "hyperparameters.epochs"),
        ("/model/spec/layers/12/name", "model.spec.layers[12].name"),
        ("/labels/a~1b~0c", "labels.a/b~c"),
        ("/0", "0"),
    ],
)
def test_json_pointer_is_shown_as_a_dotted_path(pointer: str, path: str) -> None:
    assert field(pointer) == path


@pytest.mark.parametrize(
    ("pointer", "text"),
    [
        ("status", "--status"),
        ("/max_examples", "--max-examples"),
        ("/dataset", "--dataset"),
        ("/inputs/image", "inputs.image"),
        ("/inputs", "inputs"),
        ("inputs", "--inputs"),
        ("name", "name"),
    ],
)
def test_parameter_is_shown_as_its_option(pointer: str, text: str) -> None:
    assert option(pointer) == text


def test_fault_without_a_pointer_is_its_sentence_only() -> None:
    assert sentences([Fault("", "is empty"), Fault("target", "has no column 'x'")]) == [
        "is empty",
        "--target: has no column 'x'",
    ]


@pytest.mark.parametrize(
    ("detail", "text"),
    [
        ("set target= to one of its columns", "set --target to one of its columns"),
        (
            "such as target=5 for the last (only column 5, target=5, holds text)",
            "such as --target 5 for the last (only column 5, --target 5, holds text)",
        ),
        ("set color=gray or color=rgb", "set --color gray or --color rgb"),
        ("as with scale=0.5; set header=true to read it", "as with --scale 0.5; set --header true to read it"),
        ("upload the table with shape=1,28,28", "upload the table with --shape 1,28,28"),
        (
            "exclude a column of text with inputs=, or encode it",
            "exclude a column of text with --inputs, or encode it",
        ),
        ("'target=x' is not a number, rows.argmax(axis=-1)", "'target=x' is not a number, rows.argmax(axis=-1)"),
    ],
)
def test_query_parameters_in_advice_become_options(detail: str, text: str) -> None:
    assert in_options(detail) == text
    assert sentences([Fault("", detail)]) == [text]

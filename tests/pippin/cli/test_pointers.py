import pytest

from pippin.cli.pointers import as_options, field, option, sentences
from pippin.faults import Fault


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
def test_a_pointer_is_a_path_that_people_write(pointer: str, path: str) -> None:
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
def test_a_parameter_is_the_option_that_the_command_has_for_it(pointer: str, text: str) -> None:
    assert option(pointer) == text


def test_a_fault_of_the_whole_is_its_sentence_alone() -> None:
    assert sentences([Fault("", "is empty"), Fault("target", "has no column 'x'")]) == [
        "is empty",
        "--target: has no column 'x'",
    ]


def test_query_parameters_in_a_sentence_become_options() -> None:
    assert as_options("say with target= which, such as target=4, or header=true") == (
        "say with --target= which, such as --target=4, or --header=true"
    )
    assert as_options("read with --target=4, found 'target=x'") == "read with --target=4, found 'target=x'"

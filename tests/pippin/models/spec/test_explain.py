from typing import Any

import pytest

from pippin.documents.hints import Hints
from pippin.errors import Fault
from pippin.models.spec import SpecError, resolve
from pippin.models.spec.presets import preset
from tests.support.specs import DENSE, SOFTMAX, faults_of, small_spec

IMAGE = {"name": "image", "type": "image", "color": "rgb", "width": 8, "height": 8}
POOL = {"type": "pooling", "name": "p", "pooling_type": "max", "kernel_size": [1, 1]}


def layers_with(**fields: object) -> dict[str, object]:
    return {"layers": [POOL | fields, {"type": "flatten", "name": "f"}, DENSE, SOFTMAX]}


@pytest.mark.parametrize(
    ("changes", "pointer", "detail"),
    [
        (
            {"layers": [{"type": "permute", "name": "p", "axis": [0, 1]}]},
            "/layers/0/axis",
            "found [0, 1]; needs [first, second, third, fourth]: the input's axes",
        ),
        ({"inputs": [IMAGE | {"bias": [1, 2]}]}, "/inputs/0/bias", "found [1, 2]; needs one finite number, or three"),
        ({"inputs": [IMAGE | {"bias": "1"}]}, "/inputs/0/bias", "found '1'; needs one finite number, or three"),
        ({"inputs": [IMAGE | {"color": "gray", "bias": [1]}]}, "/inputs/0/bias", "found [1]; needs one finite number"),
        ({"epoch": 3}, "/epoch", "there is no field 'epoch'; did you mean 'epochs'?"),
        (layers_with(stryde=[1, 1]), "/layers/0/stryde", "there is no field 'stryde'; did you mean 'stride'?"),
        (layers_with(type="Pooling"), "/layers/0/type", "did you mean 'pooling'?"),
        (layers_with(type=7), "/layers/0/type", "found '7'; needs one of add, "),
        (layers_with(pooling_type="maximum"), "/layers/0/pooling_type", "found 'maximum'; needs 'max', 'average' or"),
        (layers_with(kernel_size=[2]), "/layers/0/kernel_size", "found [2]; needs [height, width]"),
        (layers_with(kernel_size=[2, 2, 2]), "/layers/0/kernel_size", "found [2, 2, 2]; needs [height, width]"),
        (layers_with(kernel_size=3), "/layers/0/kernel_size", "found 3; needs a list"),
        (layers_with(kernel_size=[1, 0]), "/layers/0/kernel_size/1", "found 0; needs 1 or more"),
        (layers_with(kernel_size=[1, 2.5]), "/layers/0/kernel_size/1", "found 2.5; needs a whole number"),
        (layers_with(kernel_size=[1, 2**17]), "/layers/0/kernel_size/1", "found 131072; needs 65536 or less"),
        (layers_with(padding="vald"), "/layers/0/padding/type", "one of include_last_pixel, same, valid; did you mean"),
        (layers_with(padding=1), "/layers/0/padding", "found 1; needs an object"),
        (layers_with(padding={}), "/layers/0/padding/type", "is required: one of include_last_pixel, same, valid"),
        (
            layers_with(padding={"type": "valid", "borders": [[0, 0]]}),
            "/layers/0/padding/borders",
            "found a list of 1; needs [[top, bottom], [left, right]]",
        ),
        (
            layers_with(padding={"type": "valid", "borders": [[0, 0], [0, -1]]}),
            "/layers/0/padding/borders/1/1",
            "found -1; needs 0 or more",
        ),
        (
            layers_with(padding={"type": "same", "borders": []}),
            "/layers/0/padding/borders",
            "there is no field 'borders'",
        ),
        (layers_with(updatable="yes"), "/layers/0/updatable", "found 'yes'; needs true or false"),
        (layers_with(name=""), "/layers/0/name", "found ''; needs at least 1 character"),
        (layers_with(name=None), "/layers/0/name", "found null; needs a text"),
        ({"layers": []}, "/layers", "found []; needs at least 1 entry"),
        ({"layers": [7]}, "/layers/0", "found 7; needs an object"),
        ({"inputs": {}}, "/inputs", "found an object; needs a list"),
        ({"optimizer": {"type": "adagrad"}}, "/optimizer/type", "found 'adagrad'; needs one of adam, sgd"),
        ({"epochs": {"default": True}}, "/epochs/default", "found true; needs a whole number"),
        ({"epochs": {"default": 2, "mx": 3}}, "/epochs/mx", "there is no field 'mx'; did you mean 'max'?"),
        ({"epochs": 10**30}, "/epochs", "found a number of more than 20 digits; needs less than"),
        ({"user_defined": {"key/with~signs": 3}}, "/user_defined/key~1with~0signs", "found 3; needs a text"),
        ({"outputs": ...}, "/outputs", "is required: "),
    ],
)  # fmt: skip
def test_fault_states_the_value_and_what_is_needed(changes: dict[str, Any], pointer: str, detail: str) -> None:
    document = small_spec(**{"inputs": [{"name": "x", "shape": [4, 1, 1]}]} | changes)
    assert detail in faults_of(document)[pointer]


def test_too_many_layers_state_the_limit() -> None:
    layers = [{"type": "softmax", "name": f"softmax{number}"} for number in range(2001)]
    with pytest.raises(SpecError) as refused:
        resolve(small_spec(layers=layers))
    assert Fault("/layers", "found a list of 2001; needs at most 2000 entries") in refused.value.faults


def test_long_values_are_truncated() -> None:
    assert len(faults_of(small_spec(loss="x" * 10_000))["/loss"]) < 200


def test_error_counts_the_further_faults() -> None:
    with pytest.raises(SpecError, match=r"/layers/0/name.*and \d more"):
        resolve(small_spec(layers=[{"type": "relu"}] * 9))


def test_only_the_first_faults_are_listed() -> None:
    with pytest.raises(SpecError) as raised:
        resolve(small_spec(**{f"field{number}": 1 for number in range(1500)}))
    assert len(raised.value.faults) == 1001
    assert raised.value.faults[0].detail == "found 1500 faults; these are the first 1000"


def test_only_the_first_unknown_words_get_a_hint() -> None:
    # Looking for what each was meant to be took minutes for a document with thousands of them.
    hints = Hints(2)
    texts = [hints.text_for(word, ["input", "output"]) for word in ("inputt", "inptu", "outptu")]
    assert texts == ["; did you mean 'input'?", "; did you mean 'input'?", ""]


def test_long_words_get_no_hint_and_take_no_time() -> None:
    hints = Hints(1)
    assert hints.text_for("z" * 100_000, ["z" * 99_999]) == ""
    assert hints.text_for("inputt", ["input"])


def test_spec_of_long_unknown_names_is_refused_quickly() -> None:
    # Each was compared with every input, for minutes.
    inputs = [{"name": f"{'z' * 150}b{number}", "type": "float", "shape": [3]} for number in range(90)]
    layers = [
        {"type": "relu", "name": f"r{number}", "input": f"{'z' * 190}{number}", "output": "y"} for number in range(1900)
    ]
    with pytest.raises(SpecError, match="neither an input nor an output of a layer above"):
        resolve(preset("mnist-cnn") | {"inputs": inputs, "layers": layers})

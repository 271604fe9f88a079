import sys
from math import inf, nan

import pytest
from pydantic import ValidationError

from pippin.models.spec import DoubleParameter, IntegerParameter
from pippin.models.spec.parameters import SeedParameter
from pippin.models.spec.values import Value


def whole(given: object) -> IntegerParameter:
    return IntegerParameter.model_validate(given)


def real(given: object) -> DoubleParameter:
    return DoubleParameter.model_validate(given)


def test_a_bare_number_is_a_default_without_limits() -> None:
    assert whole(128).default == 128
    assert whole(128).admits(2**40)
    assert not whole(128).admits(0)
    assert real(0.1).admits(-1e9)
    assert real(1).default == 1.0


def test_range_includes_both_ends() -> None:
    parameter = whole({"default": 5, "min": 2, "max": 8})
    assert [value for value in range(10) if parameter.admits(value)] == [2, 3, 4, 5, 6, 7, 8]
    assert real({"default": 0, "min": 0, "max": 0}).admits(0)
    assert not real({"default": 0, "min": 0, "max": 0}).admits(1e-9)


def test_set_admits_only_its_members() -> None:
    parameter = whole({"default": 128, "set": [64, 128]})
    assert parameter.admits(64)
    assert not parameter.admits(100)


def test_omitted_limit_is_that_of_the_type() -> None:
    assert whole({"default": 5, "max": 8}).minimum == 1
    assert whole({"default": 5, "min": 2}).maximum == 2**63 - 1
    # proto3 writes no zero: a range of which only the maximum was written begins at 0.
    assert real({"default": 0.1, "max": 0.3}).minimum == 0
    assert real({"default": 0.1, "min": 0.01}).maximum == sys.float_info.max


IMPOSSIBLE: dict[type[Value], list[object]] = {
    IntegerParameter: [
        *(0, -1, 1.0, "1", True, 2**63, {}, [1], None, {"min": 1}),
        *({"default": 1, "min": 0, "max": 2}, {"default": 9, "min": 1, "max": 8}, {"default": 5, "min": 8, "max": 2}),
        *({"default": 3, "set": [1, 2]}, {"default": 3, "set": []}, {"default": 3, "set": [3, 0]}),
        {"default": 3, "set": [3], "min": 1},
    ],
    DoubleParameter: [
        *(nan, inf, "1", True),
        *({"default": 2, "min": 0, "max": 1}, {"default": 0, "max": -1}, {"default": 1, "set": [1]}),
    ],
    SeedParameter: [
        *(2**63, -(2**63) - 1, 1.0, "1", True),
        *({"default": 0, "min": 3, "max": 9}, {"default": 0, "set": [3]}, {"default": 0, "set": []}),
        {"default": 5, "min": 9, "max": 3},
    ],
}


@pytest.mark.parametrize(
    ("kind", "value"), [(kind, value) for kind, values in IMPOSSIBLE.items() for value in values], ids=str
)
def test_impossible_parameter_is_refused(kind: type[Value], value: object) -> None:
    with pytest.raises(ValidationError):
        kind.model_validate(value)


def test_refusal_states_the_valid_values() -> None:
    with pytest.raises(ValidationError, match="found default 9; needs a number from 1 to 8"):
        whole({"default": 9, "min": 1, "max": 8})
    with pytest.raises(ValidationError, match="found min 8 above max 2"):
        whole({"default": 5, "min": 8, "max": 2})


@pytest.mark.parametrize(
    "given",
    [128, {"default": 5, "min": 2, "max": 8}, {"default": 5, "set": [5, 6]}, {"default": 5, "min": 1, "max": 5}],
)
def test_json_keeps_the_short_form(given: object) -> None:
    assert whole(given).model_dump(mode="json") == given


def test_limits_are_described_in_words() -> None:
    assert whole({"default": 5, "set": [5, 6]}).limits == "one of 5, 6"
    assert whole({"default": 5, "min": 2, "max": 8}).limits == "a whole number from 2 to 8"
    assert whole(5).limits == "1 or more"
    assert real({"default": 0.1, "max": 0.3}).limits == "a number from 0.0 to 0.3"
    assert real(0.1).limits == "any number"


@pytest.mark.parametrize("kind", [IntegerParameter, DoubleParameter])
def test_the_schema_admits_a_bare_number(kind: type[IntegerParameter | DoubleParameter]) -> None:
    bare, spelled_out = kind.model_json_schema()["anyOf"]
    assert bare["type"] == ("integer" if kind is IntegerParameter else "number")
    assert spelled_out["required"] == ["default"]


@pytest.mark.parametrize(
    "given",
    [0, -1, -(2**63), 2**63 - 1, {"default": -5, "min": -9, "max": -1}, {"default": -5, "max": -1},
     {"default": 0, "set": [-3, 0, 3]}],
)  # fmt: skip
def test_a_seed_may_be_any_whole_number_inside_its_limits(given: object) -> None:
    assert SeedParameter.model_validate(given).admits(SeedParameter.model_validate(given).default)
    bare = SeedParameter.model_validate(-3)
    assert bare.admits(-(2**63))
    assert bare.model_dump_json() == "-3"
    assert SeedParameter.model_validate({"default": -5, "max": -1}).minimum == -(2**63)

"""Faults of one kind are summarised as one."""

import pytest

from pippin.errors import Fault, summarised


def test_up_to_three_faults_of_a_kind_are_kept() -> None:
    faults = [Fault(f"/layers/{n}", f"found {n}; needs more") for n in range(3)]
    assert summarised(faults) == faults


def test_more_than_three_are_summarised_with_count_and_first_places() -> None:
    faults = [Fault(f"/layers/{n}/stride", f"layer 'l{n}': found {n}; needs more", "layers.known") for n in range(611)]
    other = Fault("/loss", "is required")
    assert summarised([faults[0], other, *faults[1:]]) == [
        Fault(
            "/layers/0/stride",
            "layer 'l0': found 0; needs more (and 610 more of this kind, at /layers/1/stride, /layers/2/stride, "
            "/layers/3/stride, …)",
            "layers.known",
        ),
        other,
    ]


def test_faults_of_different_field_rule_or_words_are_kept() -> None:
    faults = [
        Fault(pointer, detail, rule)
        for pointer in ("/layers/1/a", "/layers/1/b")
        for detail in ("needs one", "needs two words")
        for rule in (None, "rule.one")
    ]
    assert summarised(faults) == faults


@pytest.mark.parametrize(("hint", "kinds"), [("", 1), ("; did you mean 'y{}'?", 9)])
def test_unknown_fields_without_hints_are_of_one_kind(hint: str, kinds: int) -> None:
    faults = [Fault(f"/user/x{n}", f"there is no field 'x{n}'{hint.format(n)}") for n in range(9)]
    assert len(summarised(faults)) == kinds


def test_thousands_of_faults_are_summarised() -> None:
    faults = [Fault(f"/layers/{n}", f"found '{'x' * 1000}'; needs {n}") for n in range(2_000)]
    (summary,) = summarised(faults)
    assert "(and 1,999 more of this kind" in summary.detail

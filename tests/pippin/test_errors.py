"""Faults of one kind are told as one."""

from pippin.errors import Fault, summarised


def test_up_to_three_of_a_kind_are_told_one_by_one() -> None:
    faults = [Fault(f"/layers/{n}", f"found {n}; needs more") for n in range(3)]
    assert summarised(faults) == faults


def test_more_are_told_with_their_number_and_the_first_places() -> None:
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


def test_kinds_differ_by_field_by_rule_and_by_words() -> None:
    faults = [
        Fault(pointer, detail, rule)
        for pointer in ("/layers/1/a", "/layers/1/b")
        for detail in ("needs one", "needs two words")
        for rule in (None, "rule.one")
    ]
    assert summarised(faults) == faults


def test_unknown_fields_are_of_one_kind_unless_a_hint_tells_them_apart() -> None:
    unknown = [Fault(f"/user/x{n}", f"there is no field 'x{n}'") for n in range(9)]
    assert len(summarised(unknown)) == 1
    hinted = [Fault(f"/user/x{n}", f"there is no field 'x{n}'; did you mean 'y{n}'?") for n in range(9)]
    assert summarised(hinted) == hinted


def test_ten_thousand_are_summarised_at_once() -> None:
    faults = [Fault(f"/layers/{n}", f"found '{'x' * 1000}'; needs {n}") for n in range(10_000)]
    (told,) = summarised(faults)
    assert "(and 9,999 more of this kind" in told.detail

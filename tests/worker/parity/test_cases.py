"""The table of cases: its candidates can be told apart, and the documentation has a row for each."""

import re

import numpy as np
import pytest

from tests.support.paths import DOCS
from worker.parity.cases import CASES, Candidate, Case
from worker.parity.comparison import evaluated
from worker.parity.problem import Rules
from worker.parity.reference import Outcome, train

SEMANTICS = DOCS / "semantics.md"
by_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


def _in_single_precision(outcome: Outcome) -> Outcome:
    """The outcome as an engine returns it, with rounding errors in the last bits."""
    noise = np.random.default_rng(3)
    weights = {k: a * (1 + noise.uniform(-2e-7, 2e-7, a.shape)) for k, a in outcome.weights.items()}
    return Outcome(weights, tuple(float(np.float32(loss)) for loss in outcome.losses))


@pytest.mark.parametrize(
    ("case", "candidate"), [pytest.param(c, each, id=f"{c.name}-{each.name}") for c in CASES for each in c.candidates]
)
def test_each_candidate_is_recognized(case: Case, candidate: Candidate) -> None:
    chosen = case.candidates[1 if case.repeated else 0].rules
    assert chosen is not None
    before = _in_single_precision(train(case.problem, chosen))
    found = before if candidate.rules is None else _in_single_precision(train(case.problem, candidate.rules))
    shown = evaluated(case, found, before if case.repeated else None)
    # A training with the same order every time repeats itself for every order.
    same = case.repeated and candidate.rules == chosen
    assert shown.nearest == (case.candidates[0].name if same else candidate.name)
    assert shown.fits
    assert shown.as_chosen == (same or candidate is case.candidates[0])


@by_case
def test_outcome_of_no_candidate_does_not_fit(case: Case) -> None:
    first = train(case.problem, case.candidates[-1].rules or Rules())
    strange = Outcome({k: a + 0.011 for k, a in first.weights.items()}, tuple(loss + 0.011 for loss in first.losses))
    shown = evaluated(case, strange, first if case.repeated else None)
    assert not shown.fits
    assert not shown.as_chosen


def test_only_some_cases_use_all_compute_units_or_shuffle() -> None:
    units = {case.name: case.problem.run().compute_units for case in CASES}
    assert units == dict.fromkeys(units, "cpu_only") | {"compute_units": "all"}
    assert [case.name for case in CASES if case.problem.shuffle] == ["shuffle_order", "shuffle_repeats"]


def test_pippins_choice_follows_the_default_rules() -> None:
    for case in CASES:
        if not case.problem.shuffle:
            assert case.candidates[0].rules == Rules(), case.name


def test_kernel_case_has_four_different_lengths() -> None:
    (case,) = (case for case in CASES if case.name == "kernels")
    shape = case.problem.weights()["weights"].shape
    assert len(set(shape)) == len(shape) == 4


def _rows() -> dict[str, list[str]]:
    found = {}
    for line in SEMANTICS.read_text(encoding="utf-8").splitlines():
        if match := re.match(r"\| `(\w+)` \|", line):
            found[match[1]] = [cell.strip() for cell in line.strip("|").split("|")]
    return found


def test_the_documentation_has_a_row_for_each_case_in_the_same_order() -> None:
    assert list(_rows()) == [case.name for case in CASES]


@by_case
def test_documentation_row_states_choice_switch_and_evidence(case: Case) -> None:
    _, _, choice, other, evidence = _rows()[case.name]
    # The order is shown by the kit, digit by digit.
    assert case.candidates[0].name.startswith(choice.partition(",")[0] if case.name == "shuffle_order" else choice)
    assert evidence == case.evidence
    names = re.findall(r"`Rules\.(\w+)", other)
    assert names
    for candidate in case.candidates[1:]:
        if candidate.rules is not None:
            changed = {key for key, value in vars(candidate.rules).items() if value != getattr(Rules(), key)}
            assert changed & set(names), candidate.name

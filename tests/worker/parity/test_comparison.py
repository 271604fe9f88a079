"""The table, the verdicts and the JSON document of the parity kit."""

from dataclasses import replace

import numpy as np
import pytest

from worker.parity.cases import CASES, Case
from worker.parity.comparison import Comparison, document, evaluated, print_table, verdict
from worker.parity.reference import Outcome, train


def _case(name: str) -> Case:
    (case,) = (case for case in CASES if case.name == name)
    return case


def _shown(name: str, candidate: int) -> Comparison:
    case = _case(name)
    rules = case.candidates[candidate].rules
    assert rules is not None
    return evaluated(case, train(case.problem, rules), None)


def test_table_of_many_candidates_shows_the_nearest_and_the_choice(capsys: pytest.CaptureFixture[str]) -> None:
    print_table([_shown("shuffle_order", 30)])
    printed = capsys.readouterr().out.splitlines()
    candidates = [line for line in printed if line.strip().startswith(("order ", "Pippin's order ", "libc++'s order "))]
    assert 6 <= len(candidates) <= 7
    assert "(Pippin's choice)" in candidates[0]
    (nearest,) = (line for line in candidates if line.rstrip().endswith("nearest"))
    assert _case("shuffle_order").candidates[30].name in nearest


def test_a_failed_training_is_shown_among_the_others(capsys: pytest.CaptureFixture[str]) -> None:
    failed = Comparison(_case("adam"), (), None, fits=False, error="engine_error: BNNS said no")
    print_table([_shown("momentum", 0), failed])
    printed = capsys.readouterr().out
    assert "failed: engine_error: BNNS said no" in printed
    assert "\n\nweights, losses: the largest difference" in printed
    assert "momentum: as Pippin has chosen: v = m v + lr g; w = w - v" in printed
    assert "adam: no answer, since the training failed: engine_error: BNNS said no" in printed


def test_outcome_that_fits_nothing_is_not_called_a_match() -> None:
    near = replace(_shown("momentum", 0), fits=False)
    assert not near.as_chosen
    assert verdict(near) == "none of the candidates; the nearest is: v = m v + lr g; w = w - v"


def test_an_epoch_without_a_loss_is_null_in_the_document() -> None:
    case = _case("mse_loss")
    weights = {name: array.astype(np.float64) for name, array in case.problem.weights().items()}
    (row,) = document("coreml", [evaluated(case, Outcome(weights, (float("nan"),)), None)])["cases"]
    assert [candidate["losses"] for candidate in row["candidates"]] == [None] * 5
    assert (row["fits"], row["as_chosen"]) == (False, False)

"""Runs a case with an engine, finds the candidate nearest to the result, and prints the comparison."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from rich.text import Text

from pippin.cli import output
from pippin.cli.tables import Cell, Column
from worker.engines.engine import Engine, EngineError, EpochResult
from worker.parity.cases import Candidate, Case
from worker.parity.problem import LAYER, Problem
from worker.parity.reference import Outcome, train

# Trainings in float32 differ from the reference by about 1e-7. Candidates that differ by less than this are equal.
_SAME_TOLERANCE = 1e-6
# Candidates of one case differ by at least 1e-4. A result that differs by more than this from all candidates fits none.
_FIT_TOLERANCE = 1e-5


@dataclass(frozen=True)
class Row:
    """The difference between a candidate and the engine's result.

    Attributes:
        candidate: The candidate's name.
        weights: The largest difference of a weight.
        losses: The largest difference of an epoch's loss; None if one of the two trainings has no loss.
    """

    candidate: str
    weights: float
    losses: float | None


@dataclass(frozen=True)
class Comparison:
    """The result of a case.

    Attributes:
        case: The case.
        rows: One row per candidate, in the case's order; empty if the training failed.
        nearest: The name of the nearest candidate; None if the training failed.
        fits: Whether the nearest candidate's difference is small enough for a training by the same formula.
        error: Why the training failed; None if it succeeded.
    """

    case: Case
    rows: tuple[Row, ...]
    nearest: str | None
    fits: bool
    error: str | None = None

    @property
    def as_chosen(self) -> bool:
        """Whether the engine matches Pippin's choice."""
        return self.fits and self.nearest == self.case.candidates[0].name


def compare(case: Case, engine: Engine) -> Comparison:
    """Run the case with the engine and compare the result with the candidates."""
    try:
        before = _outcome(engine, case.problem) if case.repeated else None
        outcome = _outcome(engine, case.problem)
    except EngineError as error:
        return Comparison(case, (), None, fits=False, error=f"{error.reason}: {error}")
    return evaluated(case, outcome, before)


def evaluated(case: Case, outcome: Outcome, before: Outcome | None) -> Comparison:
    """Compare a training's outcome with the candidates; `before` is the first outcome of a repeated case."""
    rows = tuple(_row(candidate, case.problem, outcome, before) for candidate in case.candidates)
    distances = [distance(row, case) for row in rows]
    smallest = min(distances)
    # The first of several equal candidates: a case lists the likelier candidates first.
    nearest = next(
        row for row, difference in zip(rows, distances, strict=True) if difference <= smallest + _SAME_TOLERANCE
    )
    return Comparison(case, rows, nearest.candidate, fits=smallest <= _FIT_TOLERANCE)


def _row(candidate: Candidate, problem: Problem, outcome: Outcome, before: Outcome | None) -> Row:
    if candidate.rules is None:
        assert before is not None
        expected = before
    else:
        expected = train(problem, candidate.rules)
    weights = max(float(np.abs(outcome.weights[name] - array).max()) for name, array in expected.weights.items())
    losses = float(np.abs(np.subtract(outcome.losses, expected.losses)).max())
    return Row(candidate.name, weights, losses if np.isfinite(losses) else None)


def distance(row: Row, case: Case) -> float:
    """The difference that the case is judged by; infinite if it does not exist."""
    if case.judged_by == "weights":
        return row.weights
    return float("inf") if row.losses is None else row.losses


def _outcome(engine: Engine, problem: Problem) -> Outcome:
    losses = _Losses()
    learned = engine.train(problem.run(), losses)
    assert isinstance(learned, dict)
    weights = {name: array.astype(np.float64) for name, array in learned[LAYER].items()}
    return Outcome(weights, tuple(losses.epochs))


class _Losses:
    """An observer that collects the loss of each epoch."""

    def __init__(self) -> None:
        self.epochs: list[float] = []

    def stop_requested(self) -> bool:
        return False

    def training_began(self, notice: str | None = None) -> None:
        pass

    def epoch_ended(self, result: EpochResult, snapshot: object = None) -> None:  # noqa: ARG002
        self.epochs.append(float("nan") if result.loss is None else result.loss)

    def log(self, line: str) -> None:
        pass


# Maximum number of printed candidates, besides Pippin's choice: a shuffle has many orders.
_MAX_SHOWN = 6


def print_table(comparisons: Sequence[Comparison]) -> None:
    """Print a row per candidate, case by case, and then a sentence on each case."""
    rows: list[list[Cell]] = []
    for comparison in comparisons:
        rows.append(
            [Text(comparison.case.name, style="bold"), Text(comparison.case.question, style="bold"), "", "", ""]
        )
        if comparison.error is not None:
            rows.append(["", Text(f"failed: {comparison.error}", style="red"), "", "", ""])
        rows += [_cells(row, comparison) for row in _shown_rows(comparison)]
    output.table(
        [
            Column("case", "id"),
            Column("question, candidates", "name"),
            Column("weights", "number"),
            Column("losses", "number"),
            Column(""),
        ],
        rows,
    )
    output.print_text("")
    output.print_text("weights, losses: the largest difference from a training by that candidate.")
    for comparison in comparisons:
        output.print_text(
            f"{comparison.case.name}: {verdict(comparison)}", style="green" if comparison.as_chosen else "yellow"
        )


def document(engine: str, comparisons: Sequence[Comparison]) -> dict[str, Any]:
    """All comparisons as one JSON document. A difference of losses is null if one of the two trainings has no loss."""
    return {
        "engine": engine,
        "cases": [
            {
                "case": comparison.case.name,
                "question": comparison.case.question,
                "judged_by": comparison.case.judged_by,
                "evidence": comparison.case.evidence,
                "choice": comparison.case.candidates[0].name,
                "nearest": comparison.nearest,
                "fits": comparison.fits,
                "as_chosen": comparison.as_chosen,
                "error": comparison.error,
                "candidates": [vars(row) for row in comparison.rows],
            }
            for comparison in comparisons
        ],
    }


def verdict(comparison: Comparison) -> str:
    """The result of a case, in a sentence."""
    if comparison.error is not None:
        return f"no answer, since the training failed: {comparison.error}"
    if comparison.as_chosen:
        return f"as Pippin has chosen: {comparison.nearest}"
    if comparison.fits:
        return f"NOT as Pippin has chosen, but: {comparison.nearest}"
    return f"none of the candidates; the nearest is: {comparison.nearest}"


def _shown_rows(comparison: Comparison) -> list[Row]:
    by_distance = sorted(comparison.rows, key=lambda row: distance(row, comparison.case))
    kept = {row.candidate for row in by_distance[:_MAX_SHOWN]} | {
        comparison.case.candidates[0].name,
        comparison.nearest,
    }
    return [row for row in comparison.rows if row.candidate in kept]


def _cells(row: Row, comparison: Comparison) -> list[Cell]:
    own = " (Pippin's choice)" if row.candidate == comparison.case.candidates[0].name else ""
    mark = "nearest" if row.candidate == comparison.nearest else ""
    style = "green" if mark and comparison.fits else ""
    figures = ["-" if value is None else f"{value:.1e}" for value in (row.weights, row.losses)]
    return ["", Text(f"  {row.candidate}{own}", style=style), *figures, Text(mark, style=style)]

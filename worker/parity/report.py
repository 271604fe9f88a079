"""What the kit prints: a table for people, or a document."""

from collections.abc import Sequence
from typing import Any

from rich.text import Text

from pippin.cli import output
from pippin.cli.tables import Cell, Column
from worker.parity.comparison import Comparison, Row, distance

# The orders of a shuffle are many; the nearest of them tell all.
_SHOWN = 6


def print_table(comparisons: Sequence[Comparison]) -> None:
    """A row a candidate, case by case, and then a sentence on each case."""
    rows: list[list[Cell]] = []
    for found in comparisons:
        rows.append([Text(found.case.name, style="bold"), Text(found.case.question, style="bold"), "", "", ""])
        if found.error is not None:
            rows.append(["", Text(f"failed: {found.error}", style="red"), "", "", ""])
        rows += [_cells(row, found) for row in _shown(found)]
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
    output.say("")
    output.say("weights, losses: the largest difference from a training by that candidate.")
    for found in comparisons:
        output.say(f"{found.case.name}: {verdict(found)}", style="green" if found.as_chosen else "yellow")


def document(engine: str, comparisons: Sequence[Comparison]) -> dict[str, Any]:
    """All of it as one JSON document. A difference of losses is null where one of the two trainings has none."""
    return {
        "engine": engine,
        "cases": [
            {
                "case": found.case.name,
                "question": found.case.question,
                "judged_by": found.case.judged_by,
                "evidence": found.case.evidence,
                "choice": found.case.candidates[0].name,
                "nearest": found.nearest,
                "fits": found.fits,
                "as_chosen": found.as_chosen,
                "error": found.error,
                "candidates": [vars(row) for row in found.rows],
            }
            for found in comparisons
        ],
    }


def verdict(found: Comparison) -> str:
    """What a case showed, in a sentence."""
    if found.error is not None:
        return f"no answer, since the training failed: {found.error}"
    if found.as_chosen:
        return f"as Pippin has chosen: {found.nearest}"
    if found.fits:
        return f"NOT as Pippin has chosen, but: {found.nearest}"
    return f"none of the candidates; the nearest is: {found.nearest}"


def _shown(found: Comparison) -> list[Row]:
    by_distance = sorted(found.rows, key=lambda row: distance(row, found.case))
    kept = {row.candidate for row in by_distance[:_SHOWN]} | {found.case.candidates[0].name, found.nearest}
    return [row for row in found.rows if row.candidate in kept]


def _cells(row: Row, found: Comparison) -> list[Cell]:
    own = " (Pippin's choice)" if row.candidate == found.case.candidates[0].name else ""
    mark = "nearest" if row.candidate == found.nearest else ""
    style = "green" if mark and found.fits else ""
    figures = ["-" if value is None else f"{value:.1e}" for value in (row.weights, row.losses)]
    return ["", Text(f"  {row.candidate}{own}", style=style), *figures, Text(mark, style=style)]

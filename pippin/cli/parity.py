"""`pippin parity`: which formulas an engine trains with."""

from typing import Annotated

import typer

from pippin.cli import output
from pippin.cli.running import become


def parity(
    engine: Annotated[str, typer.Option(help="The engine to examine: coreml or jax.")] = "coreml",
    case: Annotated[str | None, typer.Option(metavar="NAME", help="Run this case only: see docs/semantics.md.")] = None,
    json_: output.JsonFlag = False,
) -> None:
    """Find out which formulas an engine trains with.

    Apple documents some of them only.

    Tiny trainings are held against every candidate formula. The exit code is 0 if the engine does what Pippin has
    chosen, 1 if it does something else in some case or a training fails, 2 if the engine is missing here.
    """
    become("worker.parity", {}, "--engine", engine, *(["--case", case] if case else []), *(["--json"] if json_ else []))

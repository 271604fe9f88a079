"""`python -m worker.parity`: determines by tiny trainings which formulas an engine uses.

Exit codes: 0 the engine matches Pippin's choice in every case, 1 it does not, or a training failed, 2 the engine cannot
run on this machine, or the case does not exist.
"""

import argparse
import sys
from collections.abc import Sequence

from pippin.cli import output
from pippin.errors import PippinError
from pippin.settings import Settings
from worker.engines import EngineOptions, UnknownEngineError, make_engine
from worker.parity.cases import CASES
from worker.parity.comparison import compare, document, print_table


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the cases, print the results and return the exit code."""
    parsed = _parser().parse_args(arguments)
    try:
        engine = make_engine(parsed.engine, EngineOptions.of(Settings()))
    except UnknownEngineError as error:
        return _print_error(str(error), "`pippin parity --engine jax` runs the kit against Pippin's own engine.")
    except PippinError as error:
        return _print_error(str(error), "")
    comparisons = [compare(case, engine) for case in CASES if parsed.case in (None, case.name)]
    if parsed.json:
        output.print_json(document(engine.name, comparisons))
    else:
        print_table(comparisons)
    return 0 if all(each.as_chosen for each in comparisons) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pippin parity", description="Finds which formulas an engine trains with, by tiny trainings."
    )
    parser.add_argument("--engine", default="coreml", choices=["coreml", "jax"], help="default: coreml")
    parser.add_argument("--case", choices=[case.name for case in CASES], help="run this case only")
    parser.add_argument("--json", action="store_true", help="print JSON, and nothing else, on stdout")
    return parser


def _print_error(sentence: str, now: str) -> int:
    output.error(sentence, now=now)
    return 2


if __name__ == "__main__":
    sys.exit(main())

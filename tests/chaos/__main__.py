"""`python -m tests.chaos`: hits a Pippin with faults while it trains, and prints what came of it.

Exit codes: 0 all is as it has to be, 1 something is not.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.chaos import losses
from tests.chaos.campaign import Size
from tests.chaos.table import lines
from tests.chaos.whole import run


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__.partition("\n")[0])
    parser.add_argument("--faults", type=int, default=200)
    parser.add_argument("--jobs", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1, help="decides which faults, when, and in which order")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pippin-chaos-") as folder:
        result = run(Path(folder), Size(options.faults, options.jobs), seed=options.seed, say=_say)
    with tempfile.TemporaryDirectory(prefix="pippin-chaos-") as folder:
        wrong = losses.run(Path(folder), say=_say)
    sys.stdout.write("\n".join([*lines(result), *losses.lines(wrong)]) + "\n")
    return 1 if result.wrong or wrong else 0


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")


if __name__ == "__main__":
    sys.exit(main())

"""`make abuse`: attacks a service in turn and prints what another tenant and the machine felt of each.

Exit codes: 0 every bound held, 1 one did not.
"""

import argparse
import sys

from tests.abuse.attacks import ATTACKS, SHORT, Size
from tests.abuse.run import run


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.abuse", description=__doc__.partition("\n")[0])
    parser.add_argument("--short", action="store_true", help="smaller attacks, of a minute in all")
    parser.add_argument("--only", action="append", choices=[*ATTACKS, "outbox", "lost records"], help="repeatable")
    options = parser.parse_args()
    wrong = run(SHORT if options.short else Size(), only=options.only, say=_say)
    _say("")
    _say(f"wrong: {len(wrong) or 'nothing'}")
    for each in wrong:
        _say(f"  {each}")
    return 1 if wrong else 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

"""`python -m worker`: run one worker until SIGTERM or SIGINT.

Exit codes: 0 stopped by a signal, 2 the arguments, the settings or the machine do not permit a worker to run.
"""

import argparse
import re
import sys
from collections.abc import Sequence

from pippin.api.names import name_fault
from pippin.errors import PippinError
from pippin.local.home import prepare_home
from pippin.settings import Settings
from pippin.system import tracing
from pippin.system.terminal import printable_lines
from worker.access import check_access
from worker.child import DEFAULT_START_METHOD
from worker.engines import ENGINES, EngineOptions, make_engine
from worker.logs import configure
from worker.parent.shutdown import Shutdown


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a worker and return the exit code."""
    parsed = _parser().parse_args(arguments)
    shutdown = Shutdown()
    shutdown.install()
    try:
        settings = Settings()
        if settings.redis_url is None:
            return _print_error(
                "set PIPPIN_REDIS_URL to the address of the Redis or Valkey server that the service uses"
            )
        configure(settings)
        prepare_home(settings.home)
        check_access(settings)
        engine = make_engine(parsed.engine, EngineOptions.of(settings))
    except PippinError as error:
        return _print_error(str(error))
    # Imported late, so that the refusals above do not wait for seconds of imports.
    from worker.parent.loop import work  # noqa: PLC0415

    if parsed.start == "fork":
        tracing.prepare()

    work(settings, engine, shutdown, name=parsed.name, start_method=parsed.start)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="pippin worker", description="Trains the jobs of one queue.")
    parser.add_argument("--engine", default="jax", choices=ENGINES, help="the engine (default: jax)")
    parser.add_argument(
        "--name", type=_name, help="the name in GET /workers, followed by a random suffix (default: the host's name)"
    )
    parser.add_argument(
        "--start",
        default=DEFAULT_START_METHOD,
        choices=["fork", "spawn"],
        help=f"how child processes are started (default: {DEFAULT_START_METHOD})",
    )
    return parser


def _name(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,64}", name):
        raise argparse.ArgumentTypeError(f"{name!r} is not a valid name; give up to 64 letters, digits, dots, dashes")
    if fault := name_fault(name):
        raise argparse.ArgumentTypeError(fault)
    return name


def _print_error(sentence: str) -> int:
    print(f"pippin worker: {printable_lines(sentence)}", file=sys.stderr)  # noqa: T201 - logging may not be set up yet
    return 2


if __name__ == "__main__":
    sys.exit(main())

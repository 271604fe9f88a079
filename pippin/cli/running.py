"""`pippin up`, `serve`, `worker` and `parity`: commands that run other programs of Pippin."""

import json
import os
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from pippin.api.engines import EngineName
from pippin.cli import output
from pippin.system.logs import indented
from pippin.system.terminal import printable

if TYPE_CHECKING:
    from pippin.local.up import Ready


_COLOURS = {"pippin": "bold", "valkey": "magenta", "service": "cyan"}

Host = Annotated[str | None, typer.Option(help="The address to listen on.  [PIPPIN_HOST, else 127.0.0.1]")]
Port = Annotated[
    int | None,
    typer.Option(metavar="N", min=0, max=65_535, help="The port; 0 selects a free one.  [PIPPIN_PORT, else 8000]"),
]


def up(
    host: Host = None,
    port: Port = None,
    home: Annotated[Path | None, typer.Option(help="The folder of all data.  [PIPPIN_HOME, else ~/.pippin]")] = None,
    workers: Annotated[int, typer.Option(metavar="N", min=0, help="Number of workers.")] = 1,
    json_: output.JsonFlag = False,
) -> None:
    """Run all of Pippin in the foreground.

    That is an embedded Valkey, the service and a worker, all restarted if they end.

    PIPPIN_REDIS_URL replaces the embedded Valkey. With --json, stdout has one document, when all is ready, and the log
    goes to stderr.
    """
    from pippin.api.tokens import is_required
    from pippin.local.up import up as run
    from pippin.settings import Settings
    from pippin.store.token_requirement import TokenRequirement

    options: dict[str, Any] = {"host": host, "port": port, "home": home}
    settings = Settings(**{name: value for name, value in options.items() if value is not None})
    log = output.stderr() if json_ else output.stdout()

    def print_line(source: str, line: str) -> None:
        prefix = Text(f"{source:<9}│ ", style=_COLOURS.get(source, "green"))
        # A closed log must not stop the training; rich exits when a pipe is broken.
        with suppress(OSError, SystemExit):
            for text in [line] if json_ else format_log_line(line).splitlines():
                log.print(prefix + Text(text), soft_wrap=True)

    def ready(addresses: "Ready") -> None:
        if json_:
            output.print_json({"url": addresses.url, "home": str(addresses.home), "pid": os.getpid()}, indent=None)
            return
        shut = settings.requires_tokens or is_required("read", TokenRequirement(addresses.home).recall().roles)
        for line in _next_steps(addresses.url, str(addresses.home), shut=shut):
            print_line("pippin", line)

    run(settings, workers, print_line, ready)


def serve(host: Host = None, port: Port = None) -> None:
    """Run the service alone. It needs PIPPIN_REDIS_URL."""
    variables = {"PIPPIN_HOST": host, "PIPPIN_PORT": None if port is None else str(port)}
    replace_process("service", {name: value for name, value in variables.items() if value is not None})


def worker(
    engine: Annotated[EngineName | None, typer.Option(help="The engine to train with.  [default: jax]")] = None,
    name: Annotated[
        str | None, typer.Option(help="Its name in `pippin workers`, before a random end.  [default: the host's name]")
    ] = None,
) -> None:
    """Run one worker alone. It needs PIPPIN_REDIS_URL and PIPPIN_BLOBS_URL."""
    options = {"--engine": engine, "--name": name}
    replace_process("worker", {}, *(part for option, value in options.items() if value for part in (option, value)))


def replace_process(module: str, environment: dict[str, str], *arguments: str) -> None:
    """Replace this process by another program, so that signals and the exit code need not be forwarded."""
    from pippin.local.parts import python_module

    command = python_module(module, *arguments)
    os.execve(command[0], command, {**os.environ, **environment})  # noqa: S606 - our own interpreter and module


def _next_steps(url: str, home: str, *, shut: bool) -> list[str]:
    if shut:
        return [
            f"ready at {url}, data in {home}; Ctrl-C stops it. Every request requires a token:",
            "  pippin tokens create --role submit",
        ]
    setting = "" if url == "http://127.0.0.1:8000" else f"PIPPIN_URL={url} "
    return [
        f"ready at {url}, data in {home}; Ctrl-C stops it. In another terminal, train the packaged digits:",
        f"  curl -s {url}/jobs -H 'content-type: application/json' \\",
        '    -d \'{"model": {"preset": "mnist-cnn"}, "dataset": "mnist-sample"}\'',
        f"  {setting}pippin jobs",
    ]


_STANDARD_KEYS = {"event", "level", "timestamp", "logger", "exception"}


def format_log_line(line: str) -> str:
    """`line` as `10:31:07 warning: event  key=value`; unchanged if it is not a log line of Pippin."""
    try:
        entry = json.loads(line)
        time = datetime.fromisoformat(entry["timestamp"]).astimezone()
        event = entry["event"]
    except (ValueError, TypeError, KeyError):
        return line
    level = "" if entry.get("level") in {None, "info", "debug"} else f"{entry['level']}: "
    fields = "".join(f"  {key}={value}" for key, value in entry.items() if key not in _STANDARD_KEYS)
    exception = f"\n{indented(entry['exception'])}" if "exception" in entry else ""
    return f"{time:%H:%M:%S} {printable(f'{level}{event}{fields}')}{exception}"


def parity(
    engine: Annotated[str, typer.Option(help="The engine to examine: coreml or jax.")] = "coreml",
    case: Annotated[str | None, typer.Option(metavar="NAME", help="Run only this case; see docs/semantics.md.")] = None,
    json_: output.JsonFlag = False,
) -> None:
    """Find out which formulas an engine trains with.

    Apple documents some of these formulas only.

    The results of tiny trainings are compared with every candidate formula. The exit code is 0 if the engine does what
    Pippin has chosen, 1 if it does something else in some case or a training fails, 2 if the engine is missing here.
    """
    replace_process(
        "worker.parity", {}, "--engine", engine, *(["--case", case] if case else []), *(["--json"] if json_ else [])
    )

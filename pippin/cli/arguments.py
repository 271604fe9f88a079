"""Arguments that many commands take, and what a shell offers for them when the Tab key is pressed."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from pippin.terminal import printable

if TYPE_CHECKING:
    from pippin.client import Client

_MOST_OFFERED = 50


def offer_jobs(incomplete: str) -> list[tuple[str, str]]:
    """The newest jobs, each with its name and state."""
    return _offered(
        incomplete,
        lambda client: ((job.id, f"{job.name or 'no name'}, {job.status}") for job in client.jobs(limit=_MOST_OFFERED)),
    )


def offer_datasets(incomplete: str) -> list[tuple[str, str]]:
    """The datasets, by name where they have one."""
    return _offered(incomplete, lambda client: ((each.name or each.id, each.format) for each in client.datasets()))


def offer_models(incomplete: str) -> list[tuple[str, str]]:
    """The uploaded models, by name where they have one."""
    return _offered(incomplete, lambda client: ((each.name or each.id, each.model.kind) for each in client.models()))


def offer_statuses(incomplete: str) -> list[str]:
    """The states of a job."""
    from pippin.jobs.states import Status

    return [status for status in Status if status.startswith(incomplete)]


JobId = Annotated[
    str, typer.Argument(metavar="ID", help="The job's id, as `pippin jobs` shows it.", autocompletion=offer_jobs)
]


def _offered(incomplete: str, ask: "Callable[[Client], Iterable[tuple[str, str]]]") -> list[tuple[str, str]]:
    from pippin.client import Client
    from pippin.faults import PippinError

    try:
        with Client(patience=0) as client:
            # A shell could not type the others, and would hand them to the terminal as they are.
            offered = [(value, printable(text)) for value, text in ask(client) if value == printable(value)]
            return [(value, text) for value, text in offered if value.startswith(incomplete)]
    except PippinError:
        # A shell in the middle of a line has no place for an error.
        return []

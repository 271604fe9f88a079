"""Arguments that many commands take, and what a shell offers for them when the Tab key is pressed."""

from collections.abc import Callable, Iterable
from itertools import islice
from typing import TYPE_CHECKING, Annotated

import typer

from pippin.cli.naming import LAST
from pippin.terminal import printable

if TYPE_CHECKING:
    from pippin.client import Client

_MOST_OFFERED = 50


def offer_jobs(incomplete: str) -> list[tuple[str, str]]:
    """`last`, and the newest jobs, each with its name and state."""
    return _offered(
        incomplete,
        lambda client: ((job.id, f"{job.name or 'no name'}, {job.status}") for job in client.jobs(limit=_MOST_OFFERED)),
    )


def offer_datasets(incomplete: str) -> list[tuple[str, str]]:
    """The newest datasets, by name where they have one."""
    return _offered(incomplete, lambda client: ((each.name or each.id, each.format) for each in client.datasets()))


def offer_models(incomplete: str) -> list[tuple[str, str]]:
    """The newest uploaded models, by name where they have one."""
    return _offered(incomplete, lambda client: ((each.name or each.id, each.model.kind) for each in client.models()))


def offer_workers(incomplete: str) -> list[tuple[str, str]]:
    """The workers that are alive, each with its state."""
    return _offered(incomplete, lambda client: ((each.name, each.state) for each in client.workers()), last=False)


def offer_statuses(incomplete: str) -> list[str]:
    """The states of a job."""
    from pippin.jobs.states import Status

    return [status for status in Status if status.startswith(incomplete)]


JobId = Annotated[
    str,
    typer.Argument(
        metavar="ID", help="The job: its id, a beginning of it, its name, or `last`.", autocompletion=offer_jobs
    ),
]
DatasetId = Annotated[
    str,
    typer.Argument(
        metavar="ID",
        help="The dataset: its name, its id, a beginning of that, or `last`.",
        autocompletion=offer_datasets,
    ),
]
ModelId = Annotated[
    str,
    typer.Argument(
        metavar="ID", help="The model: its name, its id, a beginning of that, or `last`.", autocompletion=offer_models
    ),
]


def _offered(
    incomplete: str, ask: "Callable[[Client], Iterable[tuple[str, str]]]", *, last: bool = True
) -> list[tuple[str, str]]:
    from pippin.client import Client
    from pippin.faults import PippinError

    try:
        with Client(patience=0) as client:
            # A shell could not type the others, and would hand them to the terminal as they are.
            listed = [*([(LAST, "the newest")] if last else []), *islice(ask(client), _MOST_OFFERED)]
            offered = [(value, printable(text)) for value, text in listed if value == printable(value)]
            return [(value, text) for value, text in offered if value.startswith(incomplete)]
    except PippinError:
        # A shell in the middle of a line has no place for an error.
        return []

"""Arguments that many commands take, their values for shell completion, and the ids of the records that they name.

A record is named by its id, its name, a prefix of its id, or `last`; the service resolves that. A command asks for the
id once, before its first call: all that it prints is then about that record, even if another becomes the newest one.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pippin.api.names import LAST
from pippin.ids import is_id
from pippin.system.terminal import printable

if TYPE_CHECKING:
    from pippin.client import Client


_MAX_OFFERED = 50
_SECONDS = 2.0  # how long a shell waits for the service


def offer_jobs(incomplete: str) -> list[tuple[str, str]]:
    """`last`, and the newest jobs, each with its name and state."""
    return _offered(incomplete, "jobs", lambda each: (each["id"], f"{each['name'] or 'no name'}, {each['status']}"))


def offer_datasets(incomplete: str) -> list[tuple[str, str]]:
    """`last`, and the newest datasets, by name where they have one."""
    return _offered(incomplete, "datasets", lambda each: (each["name"] or each["id"], each["format"]))


def offer_models(incomplete: str) -> list[tuple[str, str]]:
    """`last`, and the newest uploaded models, by name where they have one."""
    return _offered(incomplete, "models", lambda each: (each["name"] or each["id"], each["model"]["kind"]))


def offer_workers(incomplete: str) -> list[tuple[str, str]]:
    """The workers that are alive, each with its state."""
    return _offered(incomplete, "workers", lambda each: (each["name"], each["state"]))


def offer_statuses(incomplete: str) -> list[str]:
    """The states of a job."""
    from pippin.api.states import Status

    return [status for status in Status if status.startswith(incomplete)]


JobId = Annotated[
    str,
    typer.Argument(
        metavar="ID", help="The job: its id, a prefix of it, its name, or `last`.", autocompletion=offer_jobs
    ),
]
DatasetId = Annotated[
    str,
    typer.Argument(
        metavar="ID",
        help="The dataset: its name, its id, a prefix of that, or `last`.",
        autocompletion=offer_datasets,
    ),
]
ModelId = Annotated[
    str,
    typer.Argument(
        metavar="ID", help="The model: its name, its id, a prefix of that, or `last`.", autocompletion=offer_models
    ),
]


def _offered(incomplete: str, path: str, offer: Callable[[dict[str, Any]], tuple[str, str]]) -> list[tuple[str, str]]:
    """What a shell offers of a list of the service.

    The JSON is read as it is: the client's types take half a second to import, for which a person at a shell waits.
    """
    import httpx2

    from pippin.errors import PippinError
    from pippin.http import connection

    try:
        url = connection.service_url(None)
        options = connection.options(url, connection.own_token(url, None)) | {"timeout": _SECONDS}
        params = {} if path == "workers" else {"limit": _MAX_OFFERED}
        with httpx2.Client(**options) as http:
            listed = [offer(each) for each in http.get(path, params=params).raise_for_status().json()["data"]]
    except (PippinError, httpx2.HTTPError, ValueError, LookupError, TypeError):
        # Completion cannot show an error in the middle of a command line.
        return []
    if path != "workers":
        listed.insert(0, (LAST, "the newest"))
    # Without control characters: a shell cannot complete them, and would print them as they are.
    return [
        (value, printable(text)) for value, text in listed if value == printable(value) and value.startswith(incomplete)
    ]


def job_id(client: "Client", named: str) -> str:
    """The id of the job that `named` refers to."""
    return named if is_id(named, "job") else client.job(named).id


def dataset_id(client: "Client", named: str) -> str:
    """The id of the dataset that `named` refers to."""
    return named if is_id(named, "ds") else client.dataset(named).id


def model_id(client: "Client", named: str) -> str:
    """The id of the uploaded model that `named` refers to."""
    return named if is_id(named, "model") else client.model(named).id

"""Arguments of several commands, their values for shell completion, and the ids of the records that they refer to.

A record is named by its id, its name, a prefix of its id, or `last`; the service resolves the name. A command resolves
it once, before its other calls: all output is then about that record, even if another record becomes the newest.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pippin.api.names import LAST
from pippin.ids import is_id
from pippin.system.terminal import printable

if TYPE_CHECKING:
    from pippin.client import Client


_MAX_COMPLETIONS = 50
_TIMEOUT_SECONDS = 2.0  # how long shell completion waits for the service


def complete_jobs(incomplete: str) -> list[tuple[str, str]]:
    """`last`, and the newest jobs, each with its name and status."""
    return _completions(incomplete, "jobs", lambda job: (job["id"], f"{job['name'] or 'no name'}, {job['status']}"))


def complete_datasets(incomplete: str) -> list[tuple[str, str]]:
    """`last`, and the newest datasets, each by its name or, without a name, its id."""
    return _completions(incomplete, "datasets", lambda dataset: (dataset["name"] or dataset["id"], dataset["format"]))


def complete_models(incomplete: str) -> list[tuple[str, str]]:
    """`last`, and the newest uploaded models, each by its name or, without a name, its id."""
    return _completions(incomplete, "models", lambda model: (model["name"] or model["id"], model["model"]["kind"]))


def complete_workers(incomplete: str) -> list[tuple[str, str]]:
    """The live workers, each with its state."""
    return _completions(incomplete, "workers", lambda worker: (worker["name"], worker["state"]))


def complete_statuses(incomplete: str) -> list[str]:
    """The statuses of a job."""
    from pippin.api.states import Status

    return [status for status in Status if status.startswith(incomplete)]


JobId = Annotated[
    str,
    typer.Argument(
        metavar="ID", help="The job: its id, a prefix of it, its name, or `last`.", autocompletion=complete_jobs
    ),
]
DatasetId = Annotated[
    str,
    typer.Argument(
        metavar="ID",
        help="The dataset: its name, its id, a prefix of that, or `last`.",
        autocompletion=complete_datasets,
    ),
]
ModelId = Annotated[
    str,
    typer.Argument(
        metavar="ID", help="The model: its name, its id, a prefix of that, or `last`.", autocompletion=complete_models
    ),
]


def _completions(
    incomplete: str, path: str, offer: Callable[[dict[str, Any]], tuple[str, str]]
) -> list[tuple[str, str]]:
    """The completions from one of the service's lists.

    The JSON is read directly: the import of the client's types takes half a second, a noticeable delay at a shell.
    """
    import httpx2

    from pippin.errors import PippinError
    from pippin.http import connection

    try:
        url = connection.service_url(None)
        options = connection.options(url, connection.own_token(url, None)) | {"timeout": _TIMEOUT_SECONDS}
        params = {} if path == "workers" else {"limit": _MAX_COMPLETIONS}
        with httpx2.Client(**options) as http:
            entries = [offer(entry) for entry in http.get(path, params=params).raise_for_status().json()["data"]]
    except (PippinError, httpx2.HTTPError, ValueError, LookupError, TypeError):
        # An error message cannot be shown in the middle of a command line.
        return []
    if path != "workers":
        entries.insert(0, (LAST, "the newest"))
    # Without control characters: a shell cannot complete them, and would print them unescaped.
    return [
        (value, printable(text))
        for value, text in entries
        if value == printable(value) and value.startswith(incomplete)
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

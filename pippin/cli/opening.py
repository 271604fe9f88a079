"""`pippin open`."""

import os
import sys
from typing import Annotated

import typer

from pippin.cli import arguments, output
from pippin.cli.arguments import complete_jobs


def open_dashboard(
    job_id: Annotated[
        str | None,
        typer.Argument(
            metavar="ID",
            help="The job to show: its id, a beginning of it, its name, or `last`.",
            autocompletion=complete_jobs,
        ),
    ] = None,
    json_: output.JsonFlag = False,
) -> None:
    """Open the dashboard, or a job's page in it, in a browser.

    The address is printed, for a browser on another machine.
    """
    from pippin.client import Client
    from pippin.client.job_view import dashboard_url

    with Client() as client:
        if job_id is None:
            client.is_ready()
            url = dashboard_url(client.url)
        else:
            url = dashboard_url(client.url, client.job(arguments.job_id(client, job_id)).id)
    opened = _opened(url)
    if json_:
        output.print_json({"url": url, "opened": opened})
    else:
        output.print_text(url)


def _opened(url: str) -> bool:
    """Whether a browser opened it. A browser that runs in this terminal is not started."""
    import webbrowser

    windows = sys.platform == "darwin" or any(
        os.environ.get(name) for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY")
    )
    return windows and webbrowser.open(url)

"""`pippin plot`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pippin.cli import arguments, output
from pippin.cli.arguments import JobId
from pippin.cli.errors import CommandError, Exit

if TYPE_CHECKING:
    from pippin.client.curves.chart import Chart

_PIPE_WIDTH = 100
_MAX_WIDTH = 120
_PLOT_LINES = 12


def plot(
    job_id: JobId,
    png: Annotated[
        Path | None, typer.Option("--png", metavar="FILE", help="Write the curves to a picture instead.")
    ] = None,
    json_: output.JsonFlag = False,
) -> None:
    """Draw a job's curves, in the terminal or as a picture."""
    from pippin.client import Client
    from pippin.client.curves.chart import charts_of

    with Client() as client:
        job = client.job(arguments.job_id(client, job_id))
        charts = charts_of(client.metrics(job.id).data)
    if png is not None:
        if not charts:
            raise CommandError(Exit.REFUSED, f"{job.id} has no curves: {_no_charts_reason(job.status)}.")
        _write(png, charts)
        output.print_download(png, json_=json_)
    elif json_:
        output.print_json({"job": job.id, "status": job.status, "charts": [_document(chart) for chart in charts]})
    elif charts:
        _show(f"{job.name or job.id}, {job.status}", charts)
    else:
        output.print_text(f"{job.id} has no curves: {_no_charts_reason(job.status)}.")


def _no_charts_reason(status: str) -> str:
    return f"it is {status}, and no epoch has ended with a loss or an accuracy"


def _write(png: Path, charts: "list[Chart]") -> None:
    from pippin.client.curves.png import write_png

    try:
        write_png(png, charts)
    except OSError as error:
        raise CommandError(Exit.USAGE, f"{png} cannot be written: {error.strerror}.") from error


def _show(title: str, charts: "list[Chart]") -> None:
    from pippin.client.curves import terminal

    console = output.stdout()
    width = min(console.width, _MAX_WIDTH) if console.is_terminal else _PIPE_WIDTH
    output.print_text(title, style="bold")
    for chart in charts:
        console.print()
        console.print(terminal.text(chart, width, _PLOT_LINES), soft_wrap=True)


def _document(chart: "Chart") -> dict[str, object]:
    return {
        "title": chart.title,
        "curves": [
            {"label": curve.label, "epochs": [at for at, _ in curve.points], "values": [y for _, y in curve.points]}
            for curve in chart.curves
        ],
    }

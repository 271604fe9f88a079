"""`pippin top`: the current jobs and workers, updated continuously."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from pippin.cli import figures, output, tables
from pippin.cli.tables import Column, Row
from pippin.system.terminal import printable

if TYPE_CHECKING:
    from rich.console import Group

    from pippin.api.jobs import Job
    from pippin.api.workers import Worker
    from pippin.client import Client

# In this order: running jobs, then waiting ones.
_LIVE = ("running", "starting", "pausing", "cancelling", "queued", "paused")
_MAX_PER_STATUS = 100
_MAX_ENDED = 5
_BLOCKS = 12
_WIDE = 110  # cells; a terminal of at least this width shows progress bars


def top(
    seconds: Annotated[float, typer.Option(metavar="N", min=0.2, help="Seconds between two updates.")] = 1,
    once: Annotated[bool, typer.Option("--once", help="Print once and exit, as in a pipe.")] = False,
    json_: output.JsonFlag = False,
) -> None:
    """Watch jobs and workers live; Ctrl-C ends it."""
    from pippin.client import Client

    console = output.stdout()
    with Client() as client:
        if json_:
            output.print_json(_snapshot(client).document())
        elif once or not console.is_terminal:
            console.print(
                _screen(client.url, _snapshot(client), (console.width if console.is_terminal else None, None)),
                soft_wrap=True,
            )
        else:
            _watch(client, seconds)


@dataclass(frozen=True)
class _Snapshot:
    """The state at one moment: live jobs, the jobs that ended last, and workers."""

    live: "list[Job]"
    ended: "list[Job]"
    workers: "list[Worker]"

    def document(self) -> dict[str, object]:
        return {name: [record.model_dump(mode="json") for record in records] for name, records in vars(self).items()}


def _snapshot(client: "Client") -> _Snapshot:
    live = [job for status in _LIVE for job in client.jobs(status=status, limit=_MAX_PER_STATUS)]
    ended = [job for job in client.jobs(limit=20) if job.status.is_final]
    return _Snapshot(live, ended[:_MAX_ENDED], client.workers())


def _watch(client: "Client", seconds: float) -> None:
    """Show the screen until Ctrl-C. If the service does not respond, keep trying: it may be restarting."""
    from rich.live import Live

    from pippin.errors import PippinError

    console = output.stdout()
    snapshot = _snapshot(client)
    with Live(_screen(client.url, snapshot, console.size), console=console, screen=True, auto_refresh=False) as live:
        while True:
            time.sleep(seconds)
            error_text = ""
            try:
                snapshot = _snapshot(client)
            except PippinError as error:
                error_text = str(error)
            live.update(_screen(client.url, snapshot, console.size, error_text), refresh=True)


def _screen(url: str, snapshot: _Snapshot, size: tuple[int | None, int | None], error_text: str = "") -> "Group":
    from rich.console import Group

    width, height = size
    # The lines left for jobs beside the head, the workers, and the headings of both tables.
    max_jobs = None if height is None else max(3, height - len(snapshot.workers) - 8)
    jobs = [*snapshot.live, *snapshot.ended]
    shown = jobs if max_jobs is None else jobs[:max_jobs]
    parts: list[Text] = [_head(url, snapshot, error_text), Text("")]
    parts += _jobs(shown, width) if jobs else [Text("No jobs. Write a job request with `pippin new`.", style="dim")]
    if len(shown) < len(jobs):
        parts.append(Text(f"and {len(jobs) - len(shown):,} more", style="dim"))
    parts.append(Text(""))
    parts += _workers(snapshot.workers, width) if snapshot.workers else [Text("No worker is alive.", style="yellow")]
    return Group(*parts)


def _head(url: str, snapshot: _Snapshot, error_text: str) -> Text:
    counts = {status: sum(job.status == status for job in snapshot.live) for status in _LIVE}
    jobs = ", ".join(f"{count:,} {status}" for status, count in counts.items() if count) or "no active jobs"
    busy = sum(worker.state == "busy" for worker in snapshot.workers)
    text = Text(no_wrap=True, overflow="ellipsis")
    text.append("Pippin ", style="bold").append(f"{url}   {jobs}   {busy} of {len(snapshot.workers)} workers busy")
    return text.append(f"\n{printable(error_text)}", style="bold red") if error_text else text


def _jobs(jobs: "list[Job]", width: int | None) -> list[Text]:
    columns = [
        Column("JOB", "id"),
        Column("STATUS"),
        Column("PROGRESS"),
        Column("LOSS", "number"),
        Column("ACCURACY", "number", drop=1),
        Column("EX/S", "number", drop=4),
        Column("TIME", "number", drop=2),
        Column("NAME", "name", drop=3),
        Column("WORKER", "name", drop=5),
    ]
    has_bars = width is None or width >= _WIDE
    rows: list[Row] = []
    for job in jobs:
        latest = job.latest_metrics
        rows.append(
            [
                Text(job.id, style="dim" if job.status.is_final else ""),
                output.status_text(job.status),
                _progress_text(job, _BLOCKS if has_bars else 0),
                figures.loss(latest),
                figures.percentage(latest.validation_accuracy if latest else None),
                f"{latest.examples_per_second:,.0f}" if latest else "-",
                _time_text(job),
                job.name or "-",
                _worker_text(job),
            ]
        )
    return tables.lines(columns, rows, width)


def _workers(workers: "list[Worker]", width: int | None) -> list[Text]:
    columns = [
        Column("WORKER", "id"),
        Column("STATE"),
        Column("ENGINES", drop=2),
        Column("HEARTBEAT", drop=1),
        Column("JOB", "id"),
        Column("SYSTEM", "name", drop=3),
    ]
    rows: list[Row] = [
        [
            worker.name,
            Text(worker.state, style={"busy": "cyan", "draining": "yellow"}.get(worker.state, "")),
            ", ".join(worker.engines),
            figures.ago(worker.last_heartbeat),
            worker.current_job or "-",
            f"{worker.os}, {worker.chip}",
        ]
        for worker in workers
    ]
    return tables.lines(columns, rows, width)


def _progress_text(job: "Job", width: int) -> Text:
    done, total = job.progress.epoch, job.progress.epochs
    blocks = round(width * done / total)
    text = Text("━" * blocks, style="green" if job.status == "succeeded" else "cyan")
    text.append("━" * (width - blocks), style="bright_black")
    return text.append(f"{' ' if width else ''}{done:,}/{total:,}", style="default")


def _worker_text(job: "Job") -> str:
    """The worker that runs or ran the job; for a waiting job, what it waits for."""
    return job.waiting_for or (job.attempts[-1].worker if job.attempts else "-")


def _time_text(job: "Job") -> str:
    """The remaining time of a running job, estimated from its latest epoch; the duration of a job that has ended."""
    if job.finished_at and job.started_at:
        return figures.duration((job.finished_at - job.started_at).total_seconds())
    latest = job.latest_metrics
    if latest is None or job.status != "running":
        return "-"
    since = (datetime.now(UTC) - latest.time).total_seconds()
    return f"{figures.span(max(0, round((latest.epochs - latest.epoch) * latest.seconds - since)))} left"

"""`pippin top`: jobs and workers as they are now, again and again."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from pippin.cli import output

if TYPE_CHECKING:
    from rich.console import Group, RenderableType

    from pippin.client import Client
    from pippin.jobs.job import Job
    from pippin.jobs.worker import Worker

# In this order: what is at work, then what waits.
_LIVE = ("running", "starting", "pausing", "cancelling", "queued", "paused")
_MOST_OF_A_STATE = 100
_MOST_ENDED = 5
_BLOCKS = 12


def top(
    seconds: Annotated[float, typer.Option(min=0.2, help="How often to look.")] = 1,
    once: Annotated[bool, typer.Option("--once", help="Look once only, as is done in a pipe.")] = False,
    json_: output.JsonFlag = False,
) -> None:
    """Watch jobs and workers live; Ctrl-C leaves."""
    from pippin.client import Client

    console = output.stdout()
    with Client() as client:
        if json_:
            output.print_json(_seen(client).document())
        elif once or not console.is_terminal:
            console.print(_screen(client.url, _seen(client), console.height if console.is_terminal else None))
        else:
            _watch(client, seconds)


@dataclass(frozen=True)
class _Seen:
    """All that was there at a moment: live jobs, those that ended last, and workers."""

    live: "list[Job]"
    ended: "list[Job]"
    workers: "list[Worker]"

    def document(self) -> dict[str, object]:
        return {name: [each.model_dump(mode="json") for each in found] for name, found in vars(self).items()}


def _seen(client: "Client") -> _Seen:
    live = [job for status in _LIVE for job in client.jobs(status=status, limit=_MOST_OF_A_STATE)]
    ended = [job for job in client.jobs(limit=20) if job.status.is_final]
    return _Seen(live, ended[:_MOST_ENDED], client.workers())


def _watch(client: "Client", seconds: float) -> None:
    """Shows them until Ctrl-C. A service that does not answer is waited for: it may be starting again."""
    from rich.live import Live

    from pippin.faults import PippinError

    console = output.stdout()
    seen = _seen(client)
    with Live(_screen(client.url, seen, console.height), console=console, screen=True, auto_refresh=False) as live:
        while True:
            time.sleep(seconds)
            trouble = ""
            try:
                seen = _seen(client)
            except PippinError as error:
                trouble = str(error)
            live.update(_screen(client.url, seen, console.height, trouble), refresh=True)


def _screen(url: str, seen: _Seen, height: int | None, trouble: str = "") -> "Group":
    from rich.console import Group

    # What is left for jobs below the head, the workers, and the headings of both.
    room = None if height is None else max(3, height - len(seen.workers) - 8)
    jobs = [*seen.live, *seen.ended]
    shown = jobs if room is None else jobs[:room]
    parts: list[RenderableType] = [_head(url, seen, trouble), ""]
    parts.append(_jobs(shown) if jobs else Text("No jobs. `pippin new` writes a job's file.", style="dim"))
    if len(shown) < len(jobs):
        parts.append(Text(f"and {len(jobs) - len(shown)} more", style="dim"))
    parts.append("")
    parts.append(_workers(seen.workers) if seen.workers else Text("No worker is alive.", style="yellow"))
    return Group(*parts)


def _head(url: str, seen: _Seen, trouble: str) -> Text:
    counts = {status: sum(job.status == status for job in seen.live) for status in _LIVE}
    jobs = ", ".join(f"{count} {status}" for status, count in counts.items() if count) or "no job is live"
    busy = sum(worker.state == "busy" for worker in seen.workers)
    text = Text(no_wrap=True, overflow="ellipsis")
    text.append("Pippin ", style="bold").append(f"{url}   {jobs}   {busy} of {len(seen.workers)} workers busy")
    return text.append(f"\n{trouble}", style="bold red") if trouble else text


def _jobs(jobs: "list[Job]") -> Table:
    table = _table({"JOB": "left", "STATUS": "left", "PROGRESS": "left", "LOSS": "right", "ACCURACY": "right"})
    for heading in ("EX/S", "LEFT"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("WORKER", no_wrap=True, overflow="ellipsis")
    for job in jobs:
        latest = job.latest_metrics
        table.add_row(
            f"{job.name} {job.id}" if job.name else job.id,
            output.status_text(job.status),
            _progress(job),
            output.figure(latest.loss if latest else None),
            output.figure(latest.validation_accuracy if latest else None),
            f"{latest.examples_per_second:,.0f}" if latest else "-",
            _left(job),
            job.attempts[-1].worker if job.attempts else job.waiting_for or "-",
            style="dim" if job.status.is_final else "",
        )
    return table


def _workers(workers: "list[Worker]") -> Table:
    table = _table({"WORKER": "left", "STATE": "left", "ENGINES": "left", "JOB": "left", "SYSTEM": "left"})
    table.add_column("HEARTBEAT", justify="right", no_wrap=True)
    for worker in workers:
        table.add_row(
            worker.name,
            Text(worker.state, style={"busy": "cyan", "draining": "yellow"}.get(worker.state, "")),
            ", ".join(worker.engines),
            worker.current_job or "-",
            f"{worker.os}, {worker.chip}",
            output.ago(worker.last_heartbeat),
        )
    return table


def _table(columns: dict[str, str]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading, justify in columns.items():
        table.add_column(heading, justify=justify, no_wrap=True, overflow="ellipsis")  # type: ignore[arg-type] # a Literal
    return table


def _progress(job: "Job") -> Text:
    done, total = job.progress.epoch, job.progress.epochs
    blocks = round(_BLOCKS * done / total)
    text = Text("━" * blocks, style="green" if job.status == "succeeded" else "cyan")
    return text.append("━" * (_BLOCKS - blocks), style="bright_black").append(f" {done}/{total}", style="default")


def _left(job: "Job") -> str:
    """How long a running job will take, going by its latest epoch; how long one that has ended took."""
    if job.finished_at and job.started_at:
        return f"took {output.clock(round((job.finished_at - job.started_at).total_seconds()))}"
    latest = job.latest_metrics
    if latest is None or job.status != "running":
        return "-"
    since = (datetime.now(UTC) - latest.time).total_seconds()
    return output.clock(max(0, round((latest.epochs - latest.epoch) * latest.seconds - since)))

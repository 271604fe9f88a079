"""`pippin metrics`, and following a job: a bar on a terminal, one line per epoch in a pipe, or JSON lines."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Protocol, Self

import typer

from pippin.api.states import Status
from pippin.cli import arguments, figures, output
from pippin.cli.arguments import JobId
from pippin.cli.errors import Exit
from pippin.cli.tables import Column
from pippin.errors import PippinError
from pippin.system.terminal import printable

if TYPE_CHECKING:
    from pippin.api.jobs import Job
    from pippin.api.metrics import EpochMetrics
    from pippin.client import Client


def metrics(
    job_id: JobId,
    follow_: Annotated[bool, typer.Option("--follow", "-f", help="Show each epoch until the job ends.")] = False,
    json_: output.JsonFlag = False,
) -> None:
    """Show a job's metrics, epoch by epoch.

    With --json --follow, stdout has one JSON document a line: each epoch, and the job as it ended.
    """
    from pippin.client import Client

    with Client() as client:
        job_id = arguments.job_id(client, job_id)
        if follow_:
            follow(client, job_id, json_=json_, then=f"Download its model: pippin download {job_id}")
            return
        job_metrics = client.metrics(job_id)
    if json_:
        output.print_json(job_metrics.model_dump(mode="json", exclude={"has_more"}))
        return
    output.table(
        [
            Column("EPOCH", "number"),
            Column("LOSS", "number"),
            Column("VALIDATION LOSS", "number"),
            Column("ACCURACY", "number"),
            Column("EXAMPLES/S", "number", drop=2),
            Column("TIME", "number", drop=1),
        ],
        [
            (
                f"{epoch.epoch:,}/{epoch.epochs:,}",
                figures.loss(epoch),
                figures.figure(epoch.validation_loss),
                figures.percentage(epoch.validation_accuracy),
                f"{epoch.examples_per_second:,.0f}",
                figures.duration(epoch.seconds),
            )
            for epoch in job_metrics.data
        ],
    )


def follow(client: "Client", job_id: str, *, json_: bool = False, then: str = "") -> "Job":
    """Show the events of a job until it is final.

    Args:
        client: The client.
        job_id: The job.
        json_: Whether to print JSON lines: each epoch, and the final job.
        then: A line to print after the job has succeeded.

    Raises:
        typer.Exit: With code 1 if the job failed or was cancelled; with code 130 after Ctrl-C.
    """
    try:
        job = _watch(client, job_id, json_=json_)
    except KeyboardInterrupt:
        output.stderr().print(
            f"Stopped following; the job continues. Follow it again: pippin metrics {job_id} --follow. Cancel it: "
            f"pippin cancel {job_id}",
            soft_wrap=True,
        )
        raise typer.Exit(Exit.INTERRUPTED) from None
    if json_:
        output.print_json(job.model_dump(mode="json"), indent=None)
    elif job.status == Status.SUCCEEDED:
        # Two lines: both sentences contain the id, and one line would be longer than 80 columns.
        output.print_text(f"{job.id} succeeded.", style="green")
        if then:
            output.print_text(then, style="green")
    if job.status != Status.SUCCEEDED:
        why = [job.reason.detail] if job.reason else []
        output.error(f"{job.id} {job.status}." if job.status == Status.FAILED else f"{job.id} was cancelled.", why)
        raise typer.Exit(Exit.JOB_FAILED)
    return job


def sentence(epoch: "EpochMetrics") -> str:
    """An epoch in one line that fits into 80 columns."""
    loss, accuracy = figures.figure(epoch.validation_loss), figures.percentage(epoch.validation_accuracy)
    validation = "" if epoch.validation_loss is None else f" (validation {loss})"
    validation += "" if epoch.validation_accuracy is None else f"  accuracy {accuracy}"
    speed = f"  {epoch.examples_per_second:,.0f} examples/s"
    return f"epoch {epoch.epoch:,}/{epoch.epochs:,}  loss {figures.loss(epoch)}{validation}{speed}"


class _View(Protocol):
    """Shows a job while it is followed."""

    def state(self, status: str) -> None: ...
    def waiting(self, sentence: str) -> None: ...
    def epoch(self, epoch: "EpochMetrics") -> None: ...
    def log(self, line: str) -> None: ...


def _watch(client: "Client", job_id: str, *, json_: bool) -> "Job":
    from pippin.client import endpoints

    with _view(json_=json_) as view, Waiting(lambda: _waiting_reason(client.job(job_id)), view.waiting) as waiting:
        for event in client.events(job_id):
            if event.type == "epoch":
                view.epoch(endpoints.epoch(event))
            elif event.type == "state":
                status = str(event.data.get("to", ""))
                view.state(status)
                waiting.set_waiting(status in {Status.QUEUED, Status.PAUSED})
            elif event.type == "log":
                view.log(str(event.data.get("line", "")))
    return client.job(job_id)


def _waiting_reason(job: "Job") -> str | None:
    """What a queued or paused job waits for; None if there is nothing."""
    return f"The job is paused. Resume it: pippin resume {job.id}" if job.status == Status.PAUSED else job.waiting_for


@contextmanager
def _view(*, json_: bool) -> Iterator[_View]:
    if json_:
        yield _JsonLines()
    elif not output.stdout().is_terminal:
        yield _Lines()
    else:
        # This module imports rich's live display, which other commands do not need.
        from pippin.cli.progress import shown_bar

        with shown_bar(sentence) as bar:
            yield bar


class _JsonLines:
    def state(self, status: str) -> None:
        pass

    def waiting(self, sentence: str) -> None:
        output.stderr().print(printable(sentence), soft_wrap=True)

    def epoch(self, epoch: "EpochMetrics") -> None:
        output.print_json(epoch.model_dump(mode="json"), indent=None)

    def log(self, line: str) -> None:
        pass


class _Lines:
    def state(self, status: str) -> None:
        output.print_text(status)

    def waiting(self, sentence: str) -> None:
        output.print_text(sentence)

    def epoch(self, epoch: "EpochMetrics") -> None:
        output.print_text(sentence(epoch))

    def log(self, line: str) -> None:
        output.print_text(line)


_POLL_SECONDS = 2.0


class Waiting:
    """A thread that polls what a queued or paused job waits for, during a `with` block: there is no event for it.

    Each reason is shown when it first appears or changes.

    Args:
        fetch_reason: Returns what the job waits for; None if there is nothing.
        show_reason: Shows a reason.
        seconds: The pause between two calls.
    """

    def __init__(
        self,
        fetch_reason: Callable[[], str | None],
        show_reason: Callable[[str], None],
        *,
        seconds: float = _POLL_SECONDS,
    ) -> None:
        self._fetch_reason = fetch_reason
        self._show_reason = show_reason
        self._seconds = seconds
        self._waiting = threading.Event()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._poll, name="waiting", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._waiting.set()
        # With a timeout: the thread may wait for a service that does not respond.
        self._thread.join(1)

    def set_waiting(self, is_waiting: bool) -> None:
        """Set whether the job waits now, for a worker or to be resumed."""
        if is_waiting:
            self._waiting.set()
        else:
            self._waiting.clear()

    def _poll(self) -> None:
        reported: str | None = None
        while self._waiting.wait() and not self._stopped.is_set():
            try:
                reason = self._fetch_reason()
            except PippinError:
                pass  # the main thread, which reads the stream of events, reports an unreachable service
            else:
                if reason and reason != reported and self._waiting.is_set() and not self._stopped.is_set():
                    self._show_reason(reason)
                reported = reason
            self._stopped.wait(self._seconds)

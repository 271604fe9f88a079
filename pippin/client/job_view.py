"""A job as the client last read it, and its display in a notebook."""

from contextlib import suppress
from html import escape
from typing import Any, Protocol, TypeVar

from pippin.api.jobs import Job
from pippin.api.metrics import EpochMetrics, JobMetrics
from pippin.api.states import Status
from pippin.client import endpoints
from pippin.client.calls import Call
from pippin.errors import PippinError

T = TypeVar("T")


class _Service(Protocol):
    @property
    def url(self) -> str: ...


class _BlockingService(_Service, Protocol):
    def send(self, call: Call[T]) -> T: ...

    def metrics(self, job_id: str) -> JobMetrics: ...


class AsyncJobView:
    """A job as last read. A notebook shows that state: it draws without awaiting, so no newer state can be read.

    Attributes:
        record: The job, as the service last returned it.
        epochs: The finished epochs read so far, oldest first.
        stop_training: A callback sets it to cancel the job.
    """

    def __init__(self, service: _Service, record: Job) -> None:
        self.record = record
        self.epochs: list[EpochMetrics] = []
        self.stop_training = False
        self._service_url = service.url

    @property
    def id(self) -> str:
        """The job's id."""
        return self.record.id

    @property
    def status(self) -> Status:
        """The job's status when it was last read."""
        return self.record.status

    @property
    def url(self) -> str:
        """The job's page in the dashboard."""
        return dashboard_url(self._service_url, self.id)

    def _add(self, epoch: EpochMetrics) -> None:
        if not self.epochs or epoch.epoch > self.epochs[-1].epoch:
            self.epochs.append(epoch)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id} {self.status}, epoch {self._epoch} of {self.record.progress.epochs}>"

    @property
    def _epoch(self) -> int:
        return max(self.record.progress.epoch, self.epochs[-1].epoch if self.epochs else 0)

    def _repr_html_(self) -> str:
        """The job in one line, above its curves."""
        # Imported on first use, so that the import of the client stays fast.
        from pippin.client.curves.chart import charts_of  # noqa: PLC0415
        from pippin.client.curves.svg import svg  # noqa: PLC0415

        title = escape(self.record.name or self.id)
        reason = f": {escape(self.record.reason.detail)}" if self.record.reason else ""
        line = (
            f'<a href="{escape(self.url)}" title="{escape(self.id)}"><b>{title}</b></a> '
            f"{self.status}{reason}, epoch {self._epoch} of {self.record.progress.epochs}"
        )
        charts = "".join(svg(chart) for chart in charts_of(self.epochs))
        return f'<div><div>{line}</div><div style="display:flex;flex-wrap:wrap;gap:1em">{charts}</div></div>'


class JobView(AsyncJobView):
    """A job as last read; its state is read again before a notebook shows it."""

    def __init__(self, service: _BlockingService, record: Job) -> None:
        super().__init__(service, record)
        self._service = service

    def _repr_html_(self) -> str:
        """The job's current state; the state last read if the service does not respond."""
        with suppress(PippinError):
            self.record = self._service.send(endpoints.job(self.id))
            for epoch in self._service.metrics(self.id).data:
                self._add(epoch)
        return super()._repr_html_()


def dashboard_url(service_url: str, job_id: str | None = None) -> str:
    """The address of the dashboard, or of a job's page in the dashboard."""
    return f"{service_url}/" if job_id is None else f"{service_url}/#/jobs/{job_id}"


class NotebookOutput:
    """An object displayed in a notebook, which `update` displays again in the same place.

    Raises:
        PippinError: IPython, which notebooks use, is not installed.
    """

    def __init__(self, shown: object) -> None:
        try:
            from IPython.display import display  # noqa: PLC0415 - only notebooks have IPython
        except ImportError as error:
            raise PippinError("show() needs a notebook with IPython; outside a notebook, use follow()") from error
        self._shown = shown
        self._handle: Any = display(shown, display_id=True)

    def update(self) -> None:
        """Display the object's current state in place of the previous one."""
        # Outside of a notebook, IPython returns no display handle.
        if self._handle is not None:
            self._handle.update(self._shown)

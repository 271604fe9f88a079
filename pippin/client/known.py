"""What is known here of a job that is being watched, and how a notebook shows it."""

from html import escape

from pippin.api.jobs import Job
from pippin.api.metrics import EpochMetrics
from pippin.api.states import Status
from pippin.errors import PippinError


class KnownJob:
    """A job as it was last seen.

    Attributes:
        record: The job, as the service last told of it.
        epochs: The finished epochs that were seen, oldest first.
        stop_training: Set by a callback that has seen enough; the job is then cancelled.
    """

    def __init__(self, url: str, record: Job) -> None:
        self.record = record
        self.epochs: list[EpochMetrics] = []
        self.stop_training = False
        self._service_url = url

    @property
    def id(self) -> str:
        """The job's id."""
        return self.record.id

    @property
    def status(self) -> Status:
        """Where the job stood when it was last seen."""
        return self.record.status

    @property
    def url(self) -> str:
        """The job's page in the dashboard."""
        return dashboard_url(self._service_url, self.id)

    def _take(self, epoch: EpochMetrics) -> None:
        if not self.epochs or epoch.epoch > self.epochs[-1].epoch:
            self.epochs.append(epoch)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id} {self.status}, epoch {self._epoch} of {self.record.progress.epochs}>"

    @property
    def _epoch(self) -> int:
        return max(self.record.progress.epoch, self.epochs[-1].epoch if self.epochs else 0)

    def _repr_html_(self) -> str:
        """The job in a line, above its curves."""
        # Drawing is for those who look: the rest of the client does not wait for it.
        from pippin.client.curves.chart import charts_of  # noqa: PLC0415
        from pippin.client.curves.svg import svg  # noqa: PLC0415

        title = escape(self.record.name or self.id)
        why = f": {escape(self.record.reason.detail)}" if self.record.reason else ""
        line = (
            f'<a href="{escape(self.url)}" title="{escape(self.id)}"><b>{title}</b></a> '
            f"{self.status}{why}, epoch {self._epoch} of {self.record.progress.epochs}"
        )
        drawn = "".join(svg(chart) for chart in charts_of(self.epochs))
        return f'<div><div>{line}</div><div style="display:flex;flex-wrap:wrap;gap:1em">{drawn}</div></div>'


def dashboard_url(service_url: str, job_id: str | None = None) -> str:
    """The dashboard's address, or that of a job's page in it."""
    return f"{service_url}/" if job_id is None else f"{service_url}/#/jobs/{job_id}"


class Shown:
    """Something that a notebook shows, and shows anew.

    Raises:
        PippinError: IPython, which notebooks run on, is not there.
    """

    def __init__(self, thing: object) -> None:
        try:
            from IPython.display import display  # noqa: PLC0415 - only where there is a notebook
        except ImportError as error:
            raise PippinError("curves are shown in a notebook, which has IPython; elsewhere, use follow()") from error
        self._thing = thing
        self._handle = display(thing, display_id=True)

    def update(self) -> None:
        """Shows it as it is now, in the place where it was shown first."""
        # Outside of a notebook there is no place to show it in anew.
        if self._handle is not None:
            self._handle.update(self._thing)

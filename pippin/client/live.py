"""A job with the client that it was made by at hand: `for epoch in job.follow()`."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pippin.api.checkpoints import KeptCheckpoint
from pippin.api.jobs import Job, Variant
from pippin.api.metrics import EpochMetrics
from pippin.api.predictions import EvaluationReport, Part, Prediction
from pippin.client.callbacks import Callbacks
from pippin.client.errors import ServiceError
from pippin.client.known import KnownJob, Shown
from pippin.errors import PippinError

if TYPE_CHECKING:
    from pippin.client.sync import Client


class LiveJob(KnownJob):
    """A job to follow, steer and take models from. `Client.train` and `Client.live` make one.

    In a notebook it shows its curves. Every method that asks the service may raise `ServiceError` and
    `ServiceUnreachable`.
    """

    def __init__(self, client: "Client", record: Job) -> None:
        super().__init__(client.url, record)
        self._client = client

    def refresh(self) -> Job:
        """Asks where the job stands."""
        self.record = self._client.job(self.id)
        return self.record

    def follow(self, *, callbacks: Iterable[object] = ()) -> Iterator[EpochMetrics]:
        """Each epoch as it ends, from the first one until the job is final.

        Args:
            callbacks: Callbacks as Keras has them; each is told of an epoch before it is yielded. One that sets
                `stop_training` of the model that it was given has the job cancelled.
        """
        told = Callbacks(callbacks, self, self.record.progress.epochs)
        stopped = False
        for epoch in self._client.follow(self.id):
            self._take(epoch)
            if not stopped:
                told.epoch(epoch)
            if self.stop_training and not stopped:
                stopped = True
                self._stop()
            yield epoch
        self.refresh()
        told.end()

    def wait(self, *, callbacks: Iterable[object] = ()) -> Job:
        """Follows the job to its end; the job as it ended."""
        for _ in self.follow(callbacks=callbacks):
            pass
        return self.record

    def show(self) -> None:
        """Shows the curves in a notebook, and anew after each epoch, until the job is final.

        Raises:
            PippinError: Outside of IPython.
        """
        shown = Shown(self)
        for _ in self.follow():
            shown.update()
        shown.update()

    def cancel(self) -> Job:
        """Asks the job to stop."""
        self.record = self._client.cancel(self.id)
        return self.record

    def pause(self) -> Job:
        """Lets the job rest."""
        self.record = self._client.pause(self.id)
        return self.record

    def resume(self) -> Job:
        """Queues the paused job again."""
        self.record = self._client.resume(self.id)
        return self.record

    def retry(self, *, from_checkpoint: bool = False) -> "LiveJob":
        """Makes a new job that asks the same as this one, which has failed or was cancelled."""
        return LiveJob(self._client, self._client.retry(self.id, from_checkpoint=from_checkpoint))

    def download(self, path: str | PathLike[str] = ".", *, variant: Variant = "trained") -> Path:
        """Downloads a model that the job made, as `Client.download` does."""
        return self._client.download(self.id, path, variant=variant)

    def checkpoints(self) -> list[KeptCheckpoint]:
        """The epochs of which the job keeps a checkpoint, oldest first."""
        return self._client.checkpoints(self.id)

    def download_checkpoint(self, epoch: int, path: str | PathLike[str] = ".") -> Path:
        """Downloads the model as it stood at the end of an epoch."""
        return self._client.download_checkpoint(self.id, epoch, path)

    def predict(self, given: Mapping[str, Any] | str | PathLike[str], *, top: int = 5) -> Prediction:
        """What the trained model answers, as `Client.predict` does."""
        return self._client.predict(self.id, given, top=top)

    def evaluate(
        self,
        dataset: str,
        *,
        split: str | None = None,
        part: Part | None = None,
        max_examples: int | None = None,
    ) -> EvaluationReport:
        """How good the trained model is on a dataset, as `Client.evaluate` does."""
        return self._client.evaluate(self.id, dataset, split=split, part=part, max_examples=max_examples)

    def _stop(self) -> None:
        try:
            self.cancel()
        except ServiceError as error:
            if error.status != 409:  # it had come to its end meanwhile
                raise

    def _repr_html_(self) -> str:
        """The job as it stands now; as it was last seen, if the service does not answer."""
        with suppress(PippinError):
            self.refresh()
            for epoch in self._client.metrics(self.id).data:
                self._take(epoch)
        return super()._repr_html_()

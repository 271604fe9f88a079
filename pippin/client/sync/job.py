# Written by `make client` from pippin/client/asynchronous: change it there.
"""A job together with the client that submitted it: `for epoch in job.follow()`."""

from collections.abc import Iterable, Iterator, Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from pippin.api.checkpoints import KeptCheckpoint
from pippin.api.jobs import Job, Variant
from pippin.api.metrics import EpochMetrics
from pippin.api.predictions import EvaluationReport, Part, Prediction
from pippin.client import endpoints
from pippin.client.errors import ServiceError
from pippin.client.job_view import JobView, NotebookOutput
from pippin.client.keras_callbacks import KerasCallbacks
from pippin.client.sync.transport import Transport


class LiveJob(JobView):
    """A job to follow, control and download models from. `Client.train` and `Client.live` return one.

    A notebook shows the job's curves. Every method that calls the service may raise `ServiceError` and
    `ServiceUnreachable`.
    """

    def __init__(self, transport: Transport, record: Job) -> None:
        super().__init__(transport, record)
        self._transport = transport

    def refresh(self) -> Job:
        """Fetches the job's current state."""
        self.record = self._transport.send(endpoints.job(self.id))
        return self.record

    def follow(self, *, callbacks: Iterable[object] = ()) -> Iterator[EpochMetrics]:
        """Each epoch as it ends, from the first one until the job is final.

        Args:
            callbacks: Keras callbacks; each is called for an epoch before the epoch is yielded. If a callback sets
                `stop_training` of its model, the job is cancelled.
        """
        keras = KerasCallbacks(callbacks, self, self.record.progress.epochs)
        stopped = False
        for epoch in self._transport.epochs(self.id, ""):
            self._add(epoch)
            if not stopped:
                keras.epoch(epoch)
            if self.stop_training and not stopped:
                stopped = True
                self._stop()
            yield epoch
        self.refresh()
        keras.end()

    def wait(self, *, callbacks: Iterable[object] = ()) -> Job:
        """Follows the job until it is final, and returns it."""
        for _ in self.follow(callbacks=callbacks):
            pass
        return self.record

    def show(self) -> None:
        """Shows the curves in a notebook, updated after each epoch, until the job is final.

        Raises:
            PippinError: IPython is not installed.
        """
        output = NotebookOutput(self)
        for _ in self.follow():
            output.update()
        output.update()

    def cancel(self) -> Job:
        """Requests the job's cancellation."""
        self.record = self._transport.send(endpoints.cancel(self.id))
        return self.record

    def pause(self) -> Job:
        """Pauses the job."""
        self.record = self._transport.send(endpoints.pause(self.id))
        return self.record

    def resume(self) -> Job:
        """Queues the paused job again."""
        self.record = self._transport.send(endpoints.resume(self.id))
        return self.record

    def retry(self, *, from_checkpoint: bool = False) -> "LiveJob":
        """Submits a new job with the same request as this failed or cancelled job."""
        record = self._transport.send(endpoints.retry(self.id, from_checkpoint, None))
        return LiveJob(self._transport, record)

    def download(self, path: str | PathLike[str] = ".", *, variant: Variant = "trained") -> Path:
        """Downloads a model of the job, as `Client.download` does."""
        return self._transport.download(endpoints.job_path(self.id, "model"), {"variant": variant}, Path(path))

    def checkpoints(self) -> list[KeptCheckpoint]:
        """The checkpoints that the job keeps, oldest first."""
        return self._transport.send(endpoints.checkpoints(self.id))

    def download_checkpoint(self, epoch: int, path: str | PathLike[str] = ".") -> Path:
        """Downloads the model as it was at the end of an epoch."""
        return self._transport.download(endpoints.checkpoint_path(self.id, epoch), {}, Path(path))

    def predict(self, given: Mapping[str, Any] | str | PathLike[str], *, top: int = 5) -> Prediction:
        """The trained model's outputs, as `Client.predict` returns them."""
        return self._transport.send(endpoints.predict(self.id, given, top, None))

    def evaluate(
        self,
        dataset: str,
        *,
        split: str | None = None,
        part: Part | None = None,
        max_examples: int | None = None,
    ) -> EvaluationReport:
        """The trained model's loss and accuracy on a dataset, as `Client.evaluate` returns them."""
        return self._transport.send(
            endpoints.evaluate(self.id, dataset, split=split, part=part, bind=None, max_examples=max_examples)
        )

    def _stop(self) -> None:
        try:
            self.cancel()
        except ServiceError as error:
            if error.status != 409:  # 409: the job became final in the meantime
                raise

"""The live job for asyncio: `LiveJob`, method for method."""

from collections.abc import AsyncIterator, Iterable, Mapping
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

if TYPE_CHECKING:
    from pippin.client.asynchronous import AsyncClient


class AsyncLiveJob(KnownJob):
    """A job as `LiveJob` is one, whose methods say what these do too.

    In a notebook it shows what it has seen: it cannot ask while it is drawn.
    """

    def __init__(self, client: "AsyncClient", record: Job) -> None:
        super().__init__(client.url, record)
        self._client = client

    async def refresh(self) -> Job:
        """Asks where the job stands."""
        self.record = await self._client.job(self.id)
        return self.record

    async def follow(self, *, callbacks: Iterable[object] = ()) -> AsyncIterator[EpochMetrics]:
        """Each epoch as it ends, from the first one until the job is final."""
        told = Callbacks(callbacks, self, self.record.progress.epochs)
        stopped = False
        async for epoch in self._client.follow(self.id):
            self._take(epoch)
            if not stopped:
                told.epoch(epoch)
            if self.stop_training and not stopped:
                stopped = True
                await self._stop()
            yield epoch
        await self.refresh()
        told.end()

    async def wait(self, *, callbacks: Iterable[object] = ()) -> Job:
        """Follows the job to its end; the job as it ended."""
        async for _ in self.follow(callbacks=callbacks):
            pass
        return self.record

    async def show(self) -> None:
        """Shows the curves in a notebook, and anew after each epoch, until the job is final."""
        shown = Shown(self)
        async for _ in self.follow():
            shown.update()
        shown.update()

    async def cancel(self) -> Job:
        """Asks the job to stop."""
        self.record = await self._client.cancel(self.id)
        return self.record

    async def pause(self) -> Job:
        """Lets the job rest."""
        self.record = await self._client.pause(self.id)
        return self.record

    async def resume(self) -> Job:
        """Queues the paused job again."""
        self.record = await self._client.resume(self.id)
        return self.record

    async def retry(self, *, from_checkpoint: bool = False) -> "AsyncLiveJob":
        """Makes a new job that asks the same as this one, which has failed or was cancelled."""
        return AsyncLiveJob(self._client, await self._client.retry(self.id, from_checkpoint=from_checkpoint))

    async def download(self, path: str | PathLike[str] = ".", *, variant: Variant = "trained") -> Path:
        """Downloads a model that the job made."""
        return await self._client.download(self.id, path, variant=variant)

    async def checkpoints(self) -> list[KeptCheckpoint]:
        """The epochs of which the job keeps a checkpoint, oldest first."""
        return await self._client.checkpoints(self.id)

    async def download_checkpoint(self, epoch: int, path: str | PathLike[str] = ".") -> Path:
        """Downloads the model as it stood at the end of an epoch."""
        return await self._client.download_checkpoint(self.id, epoch, path)

    async def predict(self, given: Mapping[str, Any] | str | PathLike[str], *, top: int = 5) -> Prediction:
        """What the trained model answers."""
        return await self._client.predict(self.id, given, top=top)

    async def evaluate(
        self,
        dataset: str,
        *,
        split: str | None = None,
        part: Part | None = None,
        max_examples: int | None = None,
    ) -> EvaluationReport:
        """How good the trained model is on a dataset."""
        return await self._client.evaluate(self.id, dataset, split=split, part=part, max_examples=max_examples)

    async def _stop(self) -> None:
        try:
            await self.cancel()
        except ServiceError as error:
            if error.status != 409:  # it had come to its end meanwhile
                raise

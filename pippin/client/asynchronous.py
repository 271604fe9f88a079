"""The client for asyncio: `Client`, method for method."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack

import httpx2

from pippin.api.checkpoints import KeptCheckpoint
from pippin.api.datasets import Manifest, Preview
from pippin.api.events import Event
from pippin.api.jobs import Job, Variant
from pippin.api.metrics import EpochMetrics, JobMetrics
from pippin.api.models import ModelForm
from pippin.api.pages import Page
from pippin.api.requests import JobRequest
from pippin.api.workers import Worker
from pippin.client import calls, wishes
from pippin.client.downloading import Download
from pippin.client.errors import ServiceError
from pippin.client.following import Following
from pippin.client.live_async import AsyncLiveJob
from pippin.client.paging import Pages
from pippin.client.tries import Tries
from pippin.http import connection
from pippin.models.record import Description, ModelRecord
from pippin.models.spec.summary import SpecSummary
from pippin.predictions.reports import EvaluationReport, Part, Prediction
from pippin.system.hosts import without_password

T = TypeVar("T")


class AsyncClient:
    """Speaks to a Pippin service, as `Client` does, whose methods say what these do too."""

    def __init__(
        self,
        url: str | None = None,
        *,
        token: str | None = None,
        patience: float = 3,
        follow_patience: float = 60,
    ) -> None:
        address = connection.service_url(url)
        self.url = without_password(address)
        self._patience = patience
        self._follow_patience = follow_patience
        self._http = httpx2.AsyncClient(**connection.options(address, connection.own_token(address, token)))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Closes the connections."""
        await self._http.aclose()

    async def submit(self, request: JobRequest | Mapping[str, Any], *, idempotency_key: str | None = None) -> Job:
        """Asks for a job; with the same key, at most one is made, however often this is called (24 hours)."""
        return await self._send(calls.submit(request, idempotency_key))

    async def train(
        self,
        model: wishes.ModelWish,
        dataset: wishes.DatasetWish,
        *,
        name: str | None = None,
        options: Mapping[str, Any] | None = None,
        **hyperparameters: Unpack[wishes.HyperparameterWish],
    ) -> AsyncLiveJob:
        """Trains a model on a dataset: submits the job, and comes back with it at once."""
        source = wishes.model_source(model)
        if isinstance(source, Path):
            source = {"id": (await self.add_model(source)).id}
        data = wishes.dataset_source(dataset)
        if isinstance(data, Path):
            data = (await self.add_dataset(data.stem, [data])).id
        return AsyncLiveJob(self, await self.submit(wishes.request(source, data, name, hyperparameters, options)))

    async def live(self, job_id: str) -> AsyncLiveJob:
        """A job that was made elsewhere, to follow and steer as one that `train` made."""
        return AsyncLiveJob(self, await self.job(job_id))

    def jobs(
        self, *, status: str | None = None, labels: Mapping[str, str] | None = None, limit: int | None = None
    ) -> AsyncIterator[Job]:
        """The jobs, newest first, at most `limit` of them, fetched page by page as they are read."""
        return self._pages(lambda after, size: calls.jobs(status, labels or {}, after, size), limit)

    async def job(self, job_id: str) -> Job:
        """The job as it stands."""
        return await self._send(calls.job(job_id))

    async def metrics(self, job_id: str) -> JobMetrics:
        """The epochs finished so far."""
        part = await self._send(calls.metrics(job_id, None))
        epochs = part.data
        while part.next:
            part = await self._send(calls.metrics(job_id, part.next))
            epochs = [*epochs, *part.data]
        return part.model_copy(update={"data": epochs})

    async def follow(self, job_id: str, *, after: str = "") -> AsyncIterator[EpochMetrics]:
        """Each epoch as it ends, from the first (or the stream id `after`) until the job is final."""
        async for event in self._follow(calls.job_path(job_id, "metrics"), after):
            if event.type == "epoch":
                yield calls.epoch(event)

    def events(self, job_id: str, *, after: str = "") -> AsyncIterator[Event]:
        """Everything that happens to the job, from the beginning (or the stream id `after`), to `end`, its last."""
        return self._follow(calls.job_path(job_id, "events"), after)

    async def wait(self, job_id: str) -> Job:
        """The job once it is final; `asyncio.timeout` limits the wait."""
        async for _ in self.events(job_id):
            pass
        return await self.job(job_id)

    async def cancel(self, job_id: str) -> Job:
        """Asks the job to stop; a queued one stops at once."""
        return await self._send(calls.cancel(job_id))

    async def pause(self, job_id: str) -> Job:
        """Lets the job rest: a queued one at once, a running one once its worker has made a checkpoint."""
        return await self._send(calls.pause(job_id))

    async def resume(self, job_id: str) -> Job:
        """Queues a paused job again; it goes on from its newest checkpoint."""
        return await self._send(calls.resume(job_id))

    async def retry(self, job_id: str, *, from_checkpoint: bool = False, idempotency_key: str | None = None) -> Job:
        """Makes a new job that asks the same as one that has failed or was cancelled."""
        return await self._send(calls.retry(job_id, from_checkpoint, idempotency_key))

    async def checkpoints(self, job_id: str) -> list[KeptCheckpoint]:
        """The epochs of which the job keeps a checkpoint, oldest first."""
        return await self._send(calls.checkpoints(job_id))

    async def download_checkpoint(self, job_id: str, epoch: int, path: str | PathLike[str] = ".") -> Path:
        """Downloads the job's model as it stood at the end of an epoch."""
        return await self._download(calls.job_path(job_id, "checkpoints", str(epoch), "model"), {}, Path(path))

    async def delete(self, job_id: str) -> None:
        """Forgets a final job and its files."""
        await self._send(calls.delete(job_id))

    async def download(self, job_id: str, path: str | PathLike[str] = ".", *, variant: Variant = "trained") -> Path:
        """Downloads a model that the job made."""
        return await self._download(calls.job_path(job_id, "model"), {"variant": variant}, Path(path))

    async def predict(
        self,
        job_id: str,
        given: Mapping[str, Any] | str | PathLike[str],
        *,
        top: int = 5,
        background: str | None = None,
    ) -> Prediction:
        """What the job's trained model answers to arrays by input, or to a picture."""
        asked = given if isinstance(given, Mapping) else Path(given)
        return await self._send(calls.predict(job_id, asked, top, background))

    async def evaluate(
        self,
        job_id: str,
        dataset: str,
        *,
        split: str | None = None,
        part: Part | None = None,
        bind: Mapping[str, str] | None = None,
        max_examples: int | None = None,
    ) -> EvaluationReport:
        """How good the job's trained model is on a dataset."""
        return await self._send(
            calls.evaluate(job_id, dataset, split=split, part=part, bind=bind, max_examples=max_examples)
        )

    async def add_dataset(
        self, name: str, files: Sequence[str | PathLike[str]], *, options: Mapping[str, str] | None = None
    ) -> Manifest:
        """Uploads a dataset."""
        return await self._send(calls.add_dataset(name, [Path(file) for file in files], options or {}))

    def datasets(self) -> AsyncIterator[Manifest]:
        """The datasets, newest first."""
        return self._pages(lambda after, _: calls.datasets(after), None)

    async def dataset(self, dataset_id: str) -> Manifest:
        """The dataset with this id or name."""
        return await self._send(calls.dataset(dataset_id))

    async def preview(self, dataset_id: str, *, split: str | None = None, limit: int = 10) -> Preview:
        """The first examples of a split of the dataset with this id or name, as they are stored."""
        return await self._send(calls.preview(dataset_id, split, limit))

    async def delete_dataset(self, dataset_id: str) -> None:
        """Deletes the dataset with this id or name; 409 while jobs are still to be trained on it."""
        await self._send(calls.delete_dataset(dataset_id))

    async def add_model(
        self, model: Mapping[str, Any] | str | PathLike[str], *, name: str | None = None
    ) -> ModelRecord:
        """Uploads a model: an `.mlmodel`, or a document that describes one."""
        return await self._send(calls.add_model(model if isinstance(model, Mapping) else Path(model), name))

    def models(self) -> AsyncIterator[ModelRecord]:
        """The models that were uploaded, newest first."""
        return self._pages(calls.models, None)

    async def model(self, model_id: str) -> ModelRecord:
        """The model with this id or name."""
        return await self._send(calls.model(model_id))

    async def model_spec(self, model_id: str, form: ModelForm = "pippin") -> dict[str, Any]:
        """The model as a document."""
        return await self._send(calls.model_spec(model_id, form))

    async def download_model_file(self, model_id: str, path: str | PathLike[str] = ".") -> Path:
        """Downloads an uploaded model's `.mlmodel`."""
        return await self._download(calls.model_path(model_id, "file"), {}, Path(path))

    async def delete_model(self, model_id: str) -> None:
        """Deletes the model with this id or name."""
        await self._send(calls.delete_model(model_id))

    async def workers(self) -> list[Worker]:
        """The workers that are alive."""
        return await self._send(calls.workers())

    async def drain(self, worker: str, *, hand_back: bool = False) -> Worker:
        """Has a worker take no more jobs, and finish its current one or hand it back."""
        return await self._send(calls.drain(worker, hand_back=hand_back))

    async def undrain(self, worker: str) -> Worker:
        """Has a drained worker take jobs again."""
        return await self._send(calls.undrain(worker))

    async def validate(self, spec: Mapping[str, Any]) -> SpecSummary:
        """What the service makes of a spec."""
        return await self._send(calls.validate(spec))

    async def validate_job(self, request: JobRequest | Mapping[str, Any]) -> Description:
        """What a job would train, if it were submitted.

        Raises:
            ServiceError: 422 with every fault in it.
        """
        return await self._send(calls.validate_job(request))

    async def is_ready(self) -> bool:
        """Whether the service, which answers, reaches all that it needs."""
        try:
            return await self._send(calls.is_ready())
        except ServiceError:
            return False

    async def _send(self, call: calls.Call[T]) -> T:
        tries = Tries(self.url, self._patience)
        while True:
            failure = None
            try:
                with calls.request_for(call, self._http) as request:
                    response = await self._http.send(request)
            except httpx2.TransportError as error:
                failure = error
            else:
                if response.status_code not in call.busy or tries.spent:
                    return call.parse(calls.checked(response))
            await asyncio.sleep(tries.pause_after(failure, may_repeat=call.may_repeat))

    async def _download(self, path: str, params: Mapping[str, str], target: Path) -> Path:
        tries = Tries(self.url, self._patience)
        while True:
            try:
                async with self._http.stream("GET", path, params=params) as response:
                    if response.status_code >= 400:
                        await response.aread()
                    with Download(target, calls.checked(response)) as download:
                        async for chunk in response.aiter_bytes():
                            download.write(chunk)
                        return download.keep()
            except httpx2.TransportError as error:
                await asyncio.sleep(tries.pause_after(error))

    async def _pages(
        self, fetch: Callable[[str | None, int], calls.Call[Page[T]]], limit: int | None
    ) -> AsyncIterator[T]:
        pages = Pages(fetch, limit)
        while (call := pages.next_call()) is not None:
            for entry in pages.take(await self._send(call)):
                yield entry

    async def _follow(self, path: str, after: str) -> AsyncIterator[Event]:
        following = Following(path, Tries(self.url, self._follow_patience), after)
        while not following.ended:
            failure: httpx2.TransportError | None = None
            try:
                async with self._http.stream("GET", path, headers=following.headers()) as response:
                    if response.status_code != 200:
                        await response.aread()
                    if not following.refused(response):
                        async for chunk in response.aiter_bytes():
                            for event in following.feed(chunk):
                                yield event
                            if following.ended:
                                return
            except httpx2.TransportError as error:
                failure = error
            if not following.ended:
                await asyncio.sleep(following.pause_after(failure))

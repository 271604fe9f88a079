"""The client of the REST API."""

from collections.abc import AsyncIterator, Mapping, Sequence
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Any, Self, Unpack

from pippin.api.checkpoints import KeptCheckpoint
from pippin.api.datasets import Manifest, Preview
from pippin.api.events import Event
from pippin.api.jobs import Job, Variant
from pippin.api.metrics import EpochMetrics, JobMetrics
from pippin.api.models import ModelForm
from pippin.api.predictions import EvaluationReport, Part, Prediction
from pippin.api.requests import JobRequest
from pippin.api.workers import Worker
from pippin.client import endpoints, train_request
from pippin.client.asynchronous.job import AsyncLiveJob
from pippin.client.asynchronous.transport import AsyncTransport
from pippin.client.errors import ServiceError
from pippin.client.waiting import wait_by_following
from pippin.models.record import Description, ModelRecord
from pippin.models.spec.summary import SpecSummary


class AsyncClient:
    """Calls a Pippin service, for asyncio. Close it, or use it with `async with`.

    Args:
        url: The service; by default the setting `PIPPIN_URL`, else http://127.0.0.1:8000.
        token: The token to send; by default the content of the file that the setting `PIPPIN_TOKEN_FILE` names. With an
            empty string, no token is sent.
        patience: Seconds for which a call without a response is repeated.
        follow_patience: Seconds for which the client tries to resume a broken stream.

    Raises:
        PippinError: If `url` is not the address of a service, or the token would be sent to it unencrypted.
        TokenFileError: If the token's file cannot be used.

    Every method may raise:
        ServiceError: The service refused the call, for the reason that the error states.
        ServiceUnreachable: No response arrived; calls that may be repeated were repeated.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        token: str | None = None,
        patience: float = 3,
        follow_patience: float = 60,
    ) -> None:
        self._transport = AsyncTransport(url, token, patience, follow_patience)
        self.url = self._transport.url

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Closes the connections."""
        await self._transport.close()

    async def submit(self, request: JobRequest | Mapping[str, Any], *, idempotency_key: str | None = None) -> Job:
        """Submits a job; calls with the same key within 24 hours submit at most one."""
        return await self._transport.send(endpoints.submit(request, idempotency_key))

    async def train(
        self,
        model: train_request.ModelRequest,
        dataset: train_request.DatasetRequest,
        *,
        name: str | None = None,
        options: Mapping[str, Any] | None = None,
        **hyperparameters: Unpack[train_request.HyperparameterRequest],
    ) -> AsyncLiveJob:
        """Trains a model on a dataset: submits the job, and returns it without waiting.

        Args:
            model: A preset's name, an uploaded model's id or name, a job whose trained model is trained further, the
                path (a `Path`, not a string) of a file to upload, or a spec.
            dataset: A dataset's id or name, the path (a `Path`) of a file to upload, or the mapping that `POST /jobs`
                accepts.
            name: The name of the job, and of its model's file.
            options: Further fields of the request, as `POST /jobs` names them: `labels`, `engine`, `limits`, …
            hyperparameters: The hyperparameters; a missing one has the model's default.

        Raises:
            OSError: A file cannot be read.
        """
        source = train_request.model_source(model)
        if isinstance(source, Path):
            record = await self.add_model(source)
            source = {"id": record.id}
        data = train_request.dataset_source(dataset)
        if isinstance(data, Path):
            manifest = await self.add_dataset(data.stem, [data])
            data = manifest.id
        request = train_request.request(source, data, name, hyperparameters, options)
        return AsyncLiveJob(self._transport, await self.submit(request))

    async def live(self, job_id: str) -> AsyncLiveJob:
        """Fetches an existing job, to follow and control like one that `train` returned."""
        return AsyncLiveJob(self._transport, await self.job(job_id))

    def jobs(
        self, *, status: str | None = None, labels: Mapping[str, str] | None = None, limit: int | None = None
    ) -> AsyncIterator[Job]:
        """The jobs, newest first, at most `limit` of them; pages are fetched as needed."""
        return self._transport.entries(lambda after, size: endpoints.jobs(status, labels or {}, after, size), limit)

    async def job(self, job_id: str) -> Job:
        """The job's current state."""
        return await self._transport.send(endpoints.job(job_id))

    async def metrics(self, job_id: str) -> JobMetrics:
        """The epochs finished so far."""
        return await self._transport.metrics(job_id)

    def follow(self, job_id: str, *, after: str = "") -> AsyncIterator[EpochMetrics]:
        """Each epoch as it ends, from the first (or the stream id `after`) until the job is final."""
        return self._transport.epochs(job_id, after)

    def events(self, job_id: str, *, after: str = "") -> AsyncIterator[Event]:
        """Every event of the job, from the first (or the stream id `after`) to `end`, its last."""
        return self._transport.follow(endpoints.job_path(job_id, "events"), after)

    async def wait(self, job_id: str, *, timeout: float | None = None) -> Job:  # noqa: ASYNC109 - as the blocking client's
        """Waits until the job is final, and returns it.

        Raises:
            TimeoutError: If the job is not final after `timeout` seconds.
        """
        return await wait_by_following(self, job_id, timeout)

    async def cancel(self, job_id: str) -> Job:
        """Requests the job's cancellation; a queued job is cancelled at once."""
        return await self._transport.send(endpoints.cancel(job_id))

    async def pause(self, job_id: str) -> Job:
        """Pauses the job: a queued job at once, a running job once its worker has written a checkpoint."""
        return await self._transport.send(endpoints.pause(job_id))

    async def resume(self, job_id: str) -> Job:
        """Queues a paused job again; it continues from its newest checkpoint."""
        return await self._transport.send(endpoints.resume(job_id))

    async def retry(self, job_id: str, *, from_checkpoint: bool = False, idempotency_key: str | None = None) -> Job:
        """Submits a new job with the same request as a failed or cancelled job.

        Args:
            job_id: The job to retry.
            from_checkpoint: Whether to continue from the job's newest checkpoint, not from the first epoch.
            idempotency_key: Calls with the same key within 24 hours submit at most one job.

        Raises:
            ServiceError: 409 with the reason why the job cannot be retried.
        """
        return await self._transport.send(endpoints.retry(job_id, from_checkpoint, idempotency_key))

    async def checkpoints(self, job_id: str) -> list[KeptCheckpoint]:
        """The checkpoints that the job keeps, oldest first."""
        return await self._transport.send(endpoints.checkpoints(job_id))

    async def download_checkpoint(self, job_id: str, epoch: int, path: str | PathLike[str] = ".") -> Path:
        """Downloads the job's model as it was at the end of an epoch, in the same way as `download`."""
        return await self._transport.download(endpoints.checkpoint_path(job_id, epoch), {}, Path(path))

    async def delete(self, job_id: str) -> None:
        """Deletes a final job and its files."""
        await self._transport.send(endpoints.delete(job_id))

    async def download(self, job_id: str, path: str | PathLike[str] = ".", *, variant: Variant = "trained") -> Path:
        """Downloads a model of the job.

        Args:
            job_id: The job.
            path: The file to write, or a folder, in which the file has the name that the service sends.
            variant: Which of the job's models.

        Returns:
            The path of the complete file; an interrupted download leaves no file.

        Raises:
            DamagedDownloadError: If the bytes received do not have the digest that the service sent.
        """
        return await self._transport.download(endpoints.job_path(job_id, "model"), {"variant": variant}, Path(path))

    async def predict(
        self,
        job_id: str,
        given: Mapping[str, Any] | str | PathLike[str],
        *,
        top: int = 5,
        background: str | None = None,
    ) -> Prediction:
        """The outputs of the job's trained model.

        Args:
            job_id: The job.
            given: Arrays by input name, as nested lists or objects with a method `tolist`; the first axis is the
                example. Or the path of a picture (PNG, JPEG or PGM), which is resized and scaled for the model.
            top: How many of the most probable classes to return for each example.
            background: The color behind transparent pixels of a picture: `white`, `black` or a color such as `ff8000`;
                by default white.

        Raises:
            PippinError: The file is not a picture.
            OSError: The file cannot be read.
        """
        return await self._transport.send(endpoints.predict(job_id, given, top, background))

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
        """The loss and accuracy of the job's trained model on a dataset.

        Args:
            job_id: The job.
            dataset: The dataset's id or name.
            split: The split. By default, on the job's own dataset, the split of which the job held out a share; else a
                split that the job was not trained on, such as `test`.
            part: Which rows of the split: `held_out` (the rows that the job held out), `trained_on` (the rows that it
                trained on) or `all`. By default the held-out rows, if neither `split` nor `part` is given.
            bind: The dataset's feature for each training input.
            max_examples: The maximum number of examples, spread evenly over the rows.
        """
        return await self._transport.send(
            endpoints.evaluate(job_id, dataset, split=split, part=part, bind=bind, max_examples=max_examples)
        )

    async def add_dataset(
        self, name: str, files: Sequence[str | PathLike[str]], *, options: Mapping[str, str] | None = None
    ) -> Manifest:
        """Uploads a dataset; uploading the same bytes again returns the same dataset.

        Args:
            name: The name by which jobs refer to the dataset.
            files: The file or files.
            options: How to read the files; parameters of `POST /datasets`: `format`, `target`, `scale`, …
        """
        return await self._transport.send(endpoints.add_dataset(name, files, options or {}))

    def datasets(self) -> AsyncIterator[Manifest]:
        """The datasets, newest first."""
        return self._transport.entries(lambda after, _: endpoints.datasets(after), None)

    async def dataset(self, dataset_id: str) -> Manifest:
        """The dataset with this id or name."""
        return await self._transport.send(endpoints.dataset(dataset_id))

    async def preview(self, dataset_id: str, *, split: str | None = None, limit: int = 10) -> Preview:
        """The first examples of a split of the dataset with this id or name, as stored.

        Args:
            dataset_id: The dataset's id or name.
            split: The split; by default the first one.
            limit: The number of examples, at most 100.
        """
        return await self._transport.send(endpoints.preview(dataset_id, split, limit))

    async def delete_dataset(self, dataset_id: str) -> None:
        """Deletes the dataset with this id or name; 409 while unfinished jobs use it."""
        await self._transport.send(endpoints.delete_dataset(dataset_id))

    async def add_model(
        self, model: Mapping[str, Any] | str | PathLike[str], *, name: str | None = None
    ) -> ModelRecord:
        """Uploads a model; uploading the same model again returns the same record.

        Args:
            model: The path of an `.mlmodel`, or of a spec or SwiftCoreMLTools document that ends in `.json`, `.yaml` or
                `.yml`; or such a document as a mapping.
            name: A name by which jobs may refer to the model, beside its id.

        Raises:
            ServiceError: 422 with every reason why the model cannot be trained.
            OSError: The file cannot be read.
        """
        return await self._transport.send(endpoints.add_model(model, name))

    def models(self) -> AsyncIterator[ModelRecord]:
        """The uploaded models, newest first."""
        return self._transport.entries(endpoints.models, None)

    async def model(self, model_id: str) -> ModelRecord:
        """The model with this id or name."""
        return await self._transport.send(endpoints.model(model_id))

    async def model_spec(self, model_id: str, form: ModelForm = "pippin") -> dict[str, Any]:
        """The model as a document.

        Args:
            model_id: The model's id or name.
            form: `pippin` is the spec language, without weights; `swiftcoremltools` is the format of that library, with
                weights.

        Raises:
            ServiceError: 422 with every reason why this form cannot express the model.
        """
        return await self._transport.send(endpoints.model_spec(model_id, form))

    async def download_model_file(self, model_id: str, path: str | PathLike[str] = ".") -> Path:
        """Downloads an uploaded model's `.mlmodel`, as `download` does a job's."""
        return await self._transport.download(endpoints.model_path(model_id, "file"), {}, Path(path))

    async def delete_model(self, model_id: str) -> None:
        """Deletes the model with this id or name; jobs that were submitted with it keep what they need."""
        await self._transport.send(endpoints.delete_model(model_id))

    async def workers(self) -> list[Worker]:
        """The workers that are alive."""
        return await self._transport.send(endpoints.workers())

    async def drain(self, worker: str, *, hand_back: bool = False) -> Worker:
        """Stops a worker from taking jobs; it stays up, idle, until it is undrained or restarted.

        Args:
            worker: The worker's name, or a prefix of no other worker's name.
            hand_back: Whether the worker returns its current job to the queue, with a checkpoint, or finishes it.

        Raises:
            ServiceError: 404 if no worker matches, 409 if several workers match.
        """
        return await self._transport.send(endpoints.drain(worker, hand_back=hand_back))

    async def undrain(self, worker: str) -> Worker:
        """Lets a drained worker take jobs again.

        Raises:
            ServiceError: As `drain`.
        """
        return await self._transport.send(endpoints.undrain(worker))

    async def validate(self, spec: Mapping[str, Any]) -> SpecSummary:
        """Checks a spec, and returns a summary: its layers with shapes and parameter counts.

        Raises:
            ServiceError: 422 with every fault in the spec.
        """
        return await self._transport.send(endpoints.validate(spec))

    async def validate_job(self, request: JobRequest | Mapping[str, Any]) -> Description:
        """Checks a job request without submitting it, and returns a description of the model that the job would train.

        Raises:
            ServiceError: 422 with every fault in the request.
        """
        return await self._transport.send(endpoints.validate_job(request))

    async def is_ready(self) -> bool:
        """Whether the service reaches Redis and the blob store."""
        try:
            return await self._transport.send(endpoints.is_ready())
        except ServiceError:
            return False

"""The client for ordinary code."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
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
from pippin.client.live import LiveJob
from pippin.client.paging import Pages
from pippin.client.tries import Tries
from pippin.http import connection
from pippin.models.record import Description, ModelRecord
from pippin.models.spec.summary import SpecSummary
from pippin.predictions.reports import EvaluationReport, Part, Prediction
from pippin.system.hosts import without_password
from pippin.system.retry import wait_until

T = TypeVar("T")


class Client:
    """Speaks to a Pippin service. Safe to use from several threads; close it, or use it as a context.

    Args:
        url: The service; by default the setting `PIPPIN_URL`, else http://127.0.0.1:8000.
        token: What to show to the service; by default what is in the file that the setting `PIPPIN_TOKEN_FILE` names.
            An empty text shows none.
        patience: Seconds for which a call without an answer is tried again.
        follow_patience: Seconds for which a broken stream is taken up again.

    Raises:
        PippinError: If `url` is not an address of a service, or the token would be sent to it unencrypted.
        TokenFileError: If the token's file cannot be used.

    Every method may raise:
        ServiceError: The service refused the call, and said why.
        ServiceUnreachable: No answer came, though calls that may be repeated were.
    """

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
        self._http = httpx2.Client(**connection.options(address, connection.own_token(address, token)))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def submit(self, request: JobRequest | Mapping[str, Any], *, idempotency_key: str | None = None) -> Job:
        """Asks for a job; with the same key, at most one is made, however often this is called (24 hours)."""
        return self._send(calls.submit(request, idempotency_key))

    def train(
        self,
        model: wishes.ModelWish,
        dataset: wishes.DatasetWish,
        *,
        name: str | None = None,
        options: Mapping[str, Any] | None = None,
        **hyperparameters: Unpack[wishes.HyperparameterWish],
    ) -> LiveJob:
        """Trains a model on a dataset: submits the job, and comes back with it at once.

        Args:
            model: A preset's name, an uploaded model's id or name, a job whose trained model is trained further, the
                path (not as text) of a file to upload, or a spec.
            dataset: A dataset's id or name, the path (not as text) of a file to upload, or what `POST /jobs` takes.
            name: What the job is called, and its model's file.
            options: Further fields of the request, as `POST /jobs` names them: `labels`, `engine`, `limits`, …
            hyperparameters: What is left out takes the model's default.

        Raises:
            OSError: A file cannot be read.
        """
        source = wishes.model_source(model)
        if isinstance(source, Path):
            source = {"id": self.add_model(source).id}
        data = wishes.dataset_source(dataset)
        if isinstance(data, Path):
            data = self.add_dataset(data.stem, [data]).id
        return LiveJob(self, self.submit(wishes.request(source, data, name, hyperparameters, options)))

    def live(self, job_id: str) -> LiveJob:
        """A job that was made elsewhere, to follow and steer as one that `train` made."""
        return LiveJob(self, self.job(job_id))

    def jobs(
        self, *, status: str | None = None, labels: Mapping[str, str] | None = None, limit: int | None = None
    ) -> Iterator[Job]:
        """The jobs, newest first, at most `limit` of them, fetched page by page as they are read."""
        return self._pages(lambda after, size: calls.jobs(status, labels or {}, after, size), limit)

    def job(self, job_id: str) -> Job:
        """The job as it stands."""
        return self._send(calls.job(job_id))

    def metrics(self, job_id: str) -> JobMetrics:
        """The epochs finished so far."""
        part = self._send(calls.metrics(job_id, None))
        epochs = part.data
        while part.next:
            part = self._send(calls.metrics(job_id, part.next))
            epochs = [*epochs, *part.data]
        return part.model_copy(update={"data": epochs})

    def follow(self, job_id: str, *, after: str = "") -> Iterator[EpochMetrics]:
        """Each epoch as it ends, from the first (or the stream id `after`) until the job is final."""
        for event in self._follow(calls.job_path(job_id, "metrics"), after):
            if event.type == "epoch":
                yield calls.epoch(event)

    def events(self, job_id: str, *, after: str = "") -> Iterator[Event]:
        """Everything that happens to the job, from the beginning (or the stream id `after`), to `end`, its last."""
        return self._follow(calls.job_path(job_id, "events"), after)

    def wait(self, job_id: str, *, timeout: float | None = None) -> Job:
        """The job once it is final.

        Raises:
            TimeoutError: If it is not final after `timeout` seconds.
        """

        def final() -> Job | None:
            return job if (job := self.job(job_id)).status.is_final else None

        if (job := wait_until(final, timeout, longest=1)) is None:
            raise TimeoutError(f"{job_id} is not final after {timeout} s")
        return job

    def cancel(self, job_id: str) -> Job:
        """Asks the job to stop; a queued one stops at once."""
        return self._send(calls.cancel(job_id))

    def pause(self, job_id: str) -> Job:
        """Lets the job rest: a queued one at once, a running one once its worker has made a checkpoint."""
        return self._send(calls.pause(job_id))

    def resume(self, job_id: str) -> Job:
        """Queues a paused job again; it goes on from its newest checkpoint."""
        return self._send(calls.resume(job_id))

    def retry(self, job_id: str, *, from_checkpoint: bool = False, idempotency_key: str | None = None) -> Job:
        """Makes a new job that asks the same as one that has failed or was cancelled.

        Args:
            job_id: The job to try again.
            from_checkpoint: Go on from its newest checkpoint, instead of beginning anew.
            idempotency_key: With the same one, at most one job is made, however often this is called (24 hours).

        Raises:
            ServiceError: 409 with the reason why it cannot be tried again.
        """
        return self._send(calls.retry(job_id, from_checkpoint, idempotency_key))

    def checkpoints(self, job_id: str) -> list[KeptCheckpoint]:
        """The epochs of which the job keeps a checkpoint, oldest first."""
        return self._send(calls.checkpoints(job_id))

    def download_checkpoint(self, job_id: str, epoch: int, path: str | PathLike[str] = ".") -> Path:
        """Downloads the job's model as it stood at the end of an epoch, as `download` does the trained one."""
        return self._download(calls.job_path(job_id, "checkpoints", str(epoch), "model"), {}, Path(path))

    def delete(self, job_id: str) -> None:
        """Forgets a final job and its files."""
        self._send(calls.delete(job_id))

    def download(self, job_id: str, path: str | PathLike[str] = ".", *, variant: Variant = "trained") -> Path:
        """Downloads a model that the job made.

        Args:
            job_id: The job.
            path: The file to write, or a folder, in which it gets the name that the service gives.
            variant: Which of its models.

        Returns:
            Where the file is. It is there whole, or not at all.

        Raises:
            DamagedDownloadError: If what came is not what the service promised.
        """
        return self._download(calls.job_path(job_id, "model"), {"variant": variant}, Path(path))

    def predict(
        self,
        job_id: str,
        given: Mapping[str, Any] | str | PathLike[str],
        *,
        top: int = 5,
        background: str | None = None,
    ) -> Prediction:
        """What the job's trained model answers.

        Args:
            job_id: The job.
            given: Arrays by the name of the input, nested lists or anything with `tolist`, examples first; or the path
                of a picture (PNG, JPEG or PGM), which is resized and scaled as the model needs.
            top: How many of the likeliest classes to tell of each example.
            background: What shows through transparent pixels of a picture: `white`, `black` or a color as `ff8000`; by
                default white.

        Raises:
            PippinError: The file is no picture.
            OSError: It cannot be read.
        """
        asked = given if isinstance(given, Mapping) else Path(given)
        return self._send(calls.predict(job_id, asked, top, background))

    def evaluate(
        self,
        job_id: str,
        dataset: str,
        *,
        split: str | None = None,
        part: Part | None = None,
        bind: Mapping[str, str] | None = None,
        max_examples: int | None = None,
    ) -> EvaluationReport:
        """How good the job's trained model is on a dataset.

        Args:
            job_id: The job.
            dataset: The dataset's id or name.
            split: By default the one of which the job held out a share, on its own dataset; else one that was not
                trained on, such as `test`.
            part: Which rows of the split: `held_out` those that the job held out, `trained_on` those that it trained
                on, `all` every one. By default the held-out ones, where neither `split` nor `part` is given.
            bind: Which feature of the dataset feeds which training input.
            max_examples: At most so many examples, spread evenly over the rows.
        """
        return self._send(calls.evaluate(job_id, dataset, split=split, part=part, bind=bind, max_examples=max_examples))

    def add_dataset(
        self, name: str, files: Sequence[str | PathLike[str]], *, options: Mapping[str, str] | None = None
    ) -> Manifest:
        """Uploads a dataset; the same bytes again are the same dataset.

        Args:
            name: What jobs call it by.
            files: Its file or files.
            options: How to read them, as `POST /datasets` names it: `format`, `target`, `scale`, …
        """
        return self._send(calls.add_dataset(name, [Path(file) for file in files], options or {}))

    def datasets(self) -> Iterator[Manifest]:
        """The datasets, newest first."""
        return self._pages(lambda after, _: calls.datasets(after), None)

    def dataset(self, dataset_id: str) -> Manifest:
        """The dataset with this id or name."""
        return self._send(calls.dataset(dataset_id))

    def preview(self, dataset_id: str, *, split: str | None = None, limit: int = 10) -> Preview:
        """The first examples of a split of the dataset with this id or name, as they are stored.

        Args:
            dataset_id: Its id or name.
            split: Which part of it; by default the first.
            limit: How many examples, at most 100.
        """
        return self._send(calls.preview(dataset_id, split, limit))

    def delete_dataset(self, dataset_id: str) -> None:
        """Deletes the dataset with this id or name; 409 while jobs are still to be trained on it."""
        self._send(calls.delete_dataset(dataset_id))

    def add_model(self, model: Mapping[str, Any] | str | PathLike[str], *, name: str | None = None) -> ModelRecord:
        """Uploads a model; the same one again is the same record.

        Args:
            model: The path of an `.mlmodel`, or of a spec or SwiftCoreMLTools document that ends in `.json`, `.yaml` or
                `.yml`; or such a document itself.
            name: What jobs may call it by, beside its id.

        Raises:
            ServiceError: 422 with every reason why it cannot be trained.
            OSError: The file cannot be read.
        """
        return self._send(calls.add_model(model if isinstance(model, Mapping) else Path(model), name))

    def models(self) -> Iterator[ModelRecord]:
        """The models that were uploaded, newest first."""
        return self._pages(calls.models, None)

    def model(self, model_id: str) -> ModelRecord:
        """The model with this id or name."""
        return self._send(calls.model(model_id))

    def model_spec(self, model_id: str, form: ModelForm = "pippin") -> dict[str, Any]:
        """The model as a document.

        Args:
            model_id: Its id or name.
            form: `pippin` is the spec language, without weights; `swiftcoremltools` is what that library reads, with
                them.

        Raises:
            ServiceError: 422 with every reason why the model cannot be said in it.
        """
        return self._send(calls.model_spec(model_id, form))

    def download_model_file(self, model_id: str, path: str | PathLike[str] = ".") -> Path:
        """Downloads an uploaded model's `.mlmodel`, as `download` does a job's."""
        return self._download(calls.model_path(model_id, "file"), {}, Path(path))

    def delete_model(self, model_id: str) -> None:
        """Deletes the model with this id or name; jobs that were submitted with it keep what they need."""
        self._send(calls.delete_model(model_id))

    def workers(self) -> list[Worker]:
        """The workers that are alive."""
        return self._send(calls.workers())

    def drain(self, worker: str, *, hand_back: bool = False) -> Worker:
        """Has a worker take no more jobs; it stays up, idle, until it is undrained or restarted.

        Args:
            worker: Its name, or a beginning that no other worker's name has.
            hand_back: Whether it gives its current job back at once, with a checkpoint, instead of finishing it.

        Raises:
            ServiceError: 404 when there is no such worker, 409 when several are meant.
        """
        return self._send(calls.drain(worker, hand_back=hand_back))

    def undrain(self, worker: str) -> Worker:
        """Has a drained worker take jobs again.

        Raises:
            ServiceError: As `drain`.
        """
        return self._send(calls.undrain(worker))

    def validate(self, spec: Mapping[str, Any]) -> SpecSummary:
        """What the service makes of a spec: its layers with shapes and parameter counts.

        Raises:
            ServiceError: 422 with every fault in it.
        """
        return self._send(calls.validate(spec))

    def validate_job(self, request: JobRequest | Mapping[str, Any]) -> Description:
        """What a job would train, if it were submitted.

        Raises:
            ServiceError: 422 with every fault in it.
        """
        return self._send(calls.validate_job(request))

    def is_ready(self) -> bool:
        """Whether the service, which answers, reaches all that it needs."""
        try:
            return self._send(calls.is_ready())
        except ServiceError:
            return False

    def _send(self, call: calls.Call[T]) -> T:
        tries = Tries(self.url, self._patience)
        while True:
            failure = None
            try:
                with calls.request_for(call, self._http) as request:
                    response = self._http.send(request)
            except httpx2.TransportError as error:
                failure = error
            else:
                if response.status_code not in call.busy or tries.spent:
                    return call.parse(calls.checked(response))
            time.sleep(tries.pause_after(failure, may_repeat=call.may_repeat))

    def _download(self, path: str, params: Mapping[str, str], target: Path) -> Path:
        tries = Tries(self.url, self._patience)
        while True:
            try:
                with self._http.stream("GET", path, params=params) as response:
                    if response.status_code >= 400:
                        response.read()
                    with Download(target, calls.checked(response)) as download:
                        for chunk in response.iter_bytes():
                            download.write(chunk)
                        return download.keep()
            except httpx2.TransportError as error:
                time.sleep(tries.pause_after(error))

    def _pages(self, fetch: Callable[[str | None, int], calls.Call[Page[T]]], limit: int | None) -> Iterator[T]:
        pages = Pages(fetch, limit)
        while (call := pages.next_call()) is not None:
            yield from pages.take(self._send(call))

    def _follow(self, path: str, after: str) -> Iterator[Event]:
        following = Following(path, Tries(self.url, self._follow_patience), after)
        while not following.ended:
            failure: httpx2.TransportError | None = None
            try:
                with self._http.stream("GET", path, headers=following.headers()) as response:
                    if response.status_code != 200:
                        response.read()
                    if not following.refused(response):
                        for chunk in response.iter_bytes():
                            yield from following.feed(chunk)
                            if following.ended:
                                return
            except httpx2.TransportError as error:
                failure = error
            if not following.ended:
                time.sleep(following.pause_after(failure))

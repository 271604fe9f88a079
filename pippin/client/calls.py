"""Every call of the REST contract once: how it is asked and how its answer is read. The clients only send."""

import logging
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Generic, TypeVar
from urllib.parse import quote

import httpx2
from pydantic import BaseModel, TypeAdapter, ValidationError

from pippin.api.checkpoints import CheckpointList, KeptCheckpoint
from pippin.api.datasets import DatasetPage, Manifest, Preview
from pippin.api.events import Event
from pippin.api.jobs import Job, JobPage
from pippin.api.metrics import EpochMetrics, JobMetrics
from pippin.api.models import ModelPage
from pippin.api.pages import Page, UnreadableEntry
from pippin.api.requests import JobRequest
from pippin.api.workers import Worker, WorkerList
from pippin.client.errors import ServiceError
from pippin.errors import PippinError
from pippin.models.record import Description, ModelRecord
from pippin.models.spec.summary import SpecSummary
from pippin.predictions.reports import EvaluationReport, Part, Prediction
from pippin.system.hosts import without_password

T = TypeVar("T")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Generic[T]):
    """One call, ready to be sent, again if need be.

    Attributes:
        path: Relative to the service's URL.
        parse: Reads the answer of a call that was not refused.
        params: The query.
        files: Sent as one multipart body, in this order.
        content: Sent as the body as it is, of the type that `headers` name.
        may_repeat: Whether sending it again does no harm when the service has acted on it already.
        busy: Statuses that mean "not now, ask again".
        answer_seconds: How long the service may be silent while it works on the answer.
    """

    method: str
    path: str
    parse: Callable[[httpx2.Response], T]
    params: Sequence[tuple[str, str]] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    json: object = None
    files: Sequence[Path] = ()
    content: bytes | None = None
    may_repeat: bool = True
    busy: frozenset[int] = frozenset()
    answer_seconds: float = 60


@contextmanager
def request_for(call: Call[Any], http: httpx2.Client | httpx2.AsyncClient) -> Iterator[httpx2.Request]:
    """The request of one try of `call`; its files are open inside the block."""
    with ExitStack() as opened:
        files = [("file", (path.name, opened.enter_context(path.open("rb")))) for path in call.files]
        body: dict[str, Any] = {"files": files} if files else {"json": call.json}
        if call.content is not None:
            body = {"content": call.content}
        yield http.build_request(
            call.method,
            call.path,
            params=list(call.params),
            headers=dict(call.headers),
            timeout=httpx2.Timeout(60, connect=5, read=call.answer_seconds),
            **body,
        )


def checked(response: httpx2.Response) -> httpx2.Response:
    """The response, if the service did what was asked.

    Raises:
        ServiceError: If it refused; the body must have been read.
    """
    if response.status_code < 400:
        return response
    try:
        problem = response.json()
    except ValueError:
        problem = None
    # A proxy's own 502 says enough; any other page without a problem document is another service's.
    if response.status_code < 500 and not (isinstance(problem, dict) and "title" in problem):
        raise _strange(response)
    raise ServiceError.of_problem(response.status_code, problem, response.reason_phrase)


def submit(request: JobRequest | Mapping[str, Any], idempotency_key: str | None) -> Call[Job]:
    """`POST /jobs`. Its key makes it harmless to send again; 409 says that the first try is still being worked on."""
    headers = _repeatable(idempotency_key)
    body = _job_document(request)
    return Call(method="POST", path="jobs", parse=_as(Job), json=body, headers=headers, busy=frozenset({409}))


def jobs(status: str | None, labels: Mapping[str, str], after: str | None, limit: int) -> Call[Page[Job]]:
    """`GET /jobs`: one page."""
    params = [("limit", str(limit)), *(("label", f"{key}={value}") for key, value in labels.items())]
    params += [(name, value) for name, value in (("status", status), ("after", after)) if value is not None]
    return Call(method="GET", path="jobs", parse=_as(JobPage), params=params)


def job(job_id: str) -> Call[Job]:
    """`GET /jobs/{id}`."""
    return Call(method="GET", path=job_path(job_id), parse=_as(Job))


def metrics(job_id: str, after: str | None) -> Call[JobMetrics]:
    """`GET /jobs/{id}/metrics` as JSON: one part of a long training's."""
    params = [("after", after)] if after else []
    return Call(method="GET", path=job_path(job_id, "metrics"), parse=_as(JobMetrics), params=params)


def epoch(event: Event) -> EpochMetrics:
    """The metrics that an epoch's event carries."""
    try:
        return EpochMetrics.model_validate(event.data, extra="ignore")
    except ValidationError as error:
        raise ServiceError(200, "Not an epoch of Pippin", f"The stream carries {str(event.data)[:80]}.") from error


def cancel(job_id: str) -> Call[Job]:
    """`POST /jobs/{id}/cancel`. A repeat of one that was heard would be refused: the job may be final by then."""
    return Call(method="POST", path=job_path(job_id, "cancel"), parse=_as(Job), may_repeat=False)


def pause(job_id: str) -> Call[Job]:
    """`POST /jobs/{id}/pause`: a job that rests goes on resting."""
    return Call(method="POST", path=job_path(job_id, "pause"), parse=_as(Job))


def resume(job_id: str) -> Call[Job]:
    """`POST /jobs/{id}/resume`. A repeat of one that was heard would be refused: a worker may have the job by then."""
    return Call(method="POST", path=job_path(job_id, "resume"), parse=_as(Job), may_repeat=False)


def retry(job_id: str, from_checkpoint: bool, idempotency_key: str | None) -> Call[Job]:
    """`POST /jobs/{id}/retry`. Its key makes it harmless to send again; 409 may mean that the job cannot be retried."""
    return Call(
        method="POST",
        path=job_path(job_id, "retry"),
        parse=_as(Job),
        json={"from_checkpoint": from_checkpoint},
        headers=_repeatable(idempotency_key),
    )


def checkpoints(job_id: str) -> Call[list[KeptCheckpoint]]:
    """`GET /jobs/{id}/checkpoints`."""
    read = _as(CheckpointList)
    return Call(method="GET", path=job_path(job_id, "checkpoints"), parse=lambda response: read(response).data)


def delete(job_id: str) -> Call[None]:
    """`DELETE /jobs/{id}`. A repeat of one that was heard would find no job."""
    return Call(method="DELETE", path=job_path(job_id), parse=_nothing, may_repeat=False)


def predict(job_id: str, given: Mapping[str, Any] | Path, top: int, background: str | None) -> Call[Prediction]:
    """`POST /jobs/{id}/predict` with arrays by input, or with a picture.

    Raises:
        PippinError: The file is no picture.
        OSError: It cannot be read.
    """
    picture, document, headers = None, None, {}
    if isinstance(given, Path):
        picture = given.read_bytes()
        headers = {"content-type": _type_of_picture(picture, given)}
    else:
        document = {"inputs": {name: _nested(value) for name, value in given.items()}}
    return Call(
        method="POST",
        path=job_path(job_id, "predict"),
        parse=_as(Prediction),
        params=[("top", str(top)), *([("background", background)] if background is not None else [])],
        headers=headers,
        json=document,
        content=picture,
        # It may wait for others, then compute for as long.
        answer_seconds=120,
    )


def evaluate(
    job_id: str,
    dataset: str,
    *,
    split: str | None,
    part: Part | None,
    bind: Mapping[str, str] | None,
    max_examples: int | None,
) -> Call[EvaluationReport]:
    """`POST /jobs/{id}/evaluate`."""
    asked = {
        "dataset": dataset,
        "split": split,
        "part": part,
        "bind": bind and dict(bind),
        "max_examples": max_examples,
    }
    return Call(
        method="POST",
        path=job_path(job_id, "evaluate"),
        parse=_as(EvaluationReport),
        json={name: value for name, value in asked.items() if value is not None},
        # It may wait for another one, then compute for as long.
        answer_seconds=660,
    )


def add_dataset(name: str, files: Sequence[Path], options: Mapping[str, str]) -> Call[Manifest]:
    """`POST /datasets`: the same bytes under the same name are the same dataset, so it may be sent again."""
    return Call(
        method="POST",
        path="datasets",
        parse=_as(Manifest),
        params=[("name", name), *options.items()],
        files=files,
        # A large table is parsed before the answer.
        answer_seconds=900,
    )


def datasets(after: str | None) -> Call[Page[Manifest]]:
    """`GET /datasets`: one page."""
    params = [("after", after)] if after is not None else []
    return Call(method="GET", path="datasets", parse=_as(DatasetPage), params=params)


def dataset(dataset_id: str) -> Call[Manifest]:
    """`GET /datasets/{id}`."""
    return Call(method="GET", path=_dataset_path(dataset_id), parse=_as(Manifest))


def preview(dataset_id: str, split: str | None, limit: int) -> Call[Preview]:
    """`GET /datasets/{id}/preview`."""
    params = [("limit", str(limit)), *([("split", split)] if split is not None else [])]
    return Call(method="GET", path=_dataset_path(dataset_id, "preview"), parse=_as(Preview), params=params)


def delete_dataset(dataset_id: str) -> Call[None]:
    """`DELETE /datasets/{id}`, not to be repeated: a repeat would find none, or another of the same name."""
    return Call(method="DELETE", path=_dataset_path(dataset_id), parse=_nothing, may_repeat=False)


def add_model(model: Mapping[str, Any] | Path, name: str | None) -> Call[ModelRecord]:
    """`POST /models`: the same model under the same name is the same record, so it may be sent again."""
    body = {"files": [model]} if isinstance(model, Path) else {"json": dict(model)}
    return Call(
        method="POST",
        path="models",
        parse=_as(ModelRecord),
        params=[("name", name)] if name is not None else [],
        # It may wait for others before it is read.
        answer_seconds=300,
        **body,
    )


def models(after: str | None, limit: int) -> Call[Page[ModelRecord]]:
    """`GET /models`: one page."""
    params = [("limit", str(limit)), *([("after", after)] if after is not None else [])]
    return Call(method="GET", path="models", parse=_as(ModelPage), params=params)


def model(model_id: str) -> Call[ModelRecord]:
    """`GET /models/{id}`."""
    return Call(method="GET", path=model_path(model_id), parse=_as(ModelRecord))


def model_spec(model_id: str, form: str) -> Call[dict[str, Any]]:
    """`GET /models/{id}/spec`."""
    return Call(method="GET", path=model_path(model_id, "spec"), parse=_object, params=[("form", form)])


def delete_model(model_id: str) -> Call[None]:
    """`DELETE /models/{id}`. A repeat of one that was heard would find no model, or another of the same name."""
    return Call(method="DELETE", path=model_path(model_id), parse=_nothing, may_repeat=False)


def workers() -> Call[list[Worker]]:
    """`GET /workers`."""
    read = _as(WorkerList)

    def parse(response: httpx2.Response) -> list[Worker]:
        page = read(response)
        warn_of_unreadable(page.unreadable)
        return page.data

    return Call(method="GET", path="workers", parse=parse)


def drain(name: str, *, hand_back: bool) -> Call[Worker]:
    """`POST /workers/{name}/drain`."""
    return Call(method="POST", path=_drain_path(name), parse=_as(Worker), json={"hand_back": hand_back})


def undrain(name: str) -> Call[Worker]:
    """`DELETE /workers/{name}/drain`; a repeat changes nothing."""
    return Call(method="DELETE", path=_drain_path(name), parse=_as(Worker))


def validate(spec: Mapping[str, Any]) -> Call[SpecSummary]:
    """`POST /specs/validate`."""
    return Call(method="POST", path="specs/validate", parse=_as(SpecSummary), json=dict(spec))


def validate_job(request: JobRequest | Mapping[str, Any]) -> Call[Description]:
    """The same for a job, which is not submitted."""
    return Call(method="POST", path="specs/validate", parse=_description, json=_job_document(request))


def is_ready() -> Call[bool]:
    """`GET /readyz`."""
    return Call(method="GET", path="readyz", parse=lambda _: True)


def job_path(job_id: str, *parts: str) -> str:
    """Where a job, or a part of it, is."""
    return "/".join(("jobs", quote(job_id, safe=""), *parts))


def _repeatable(key: str | None) -> dict[str, str]:
    """The header that makes a call repeatable; a key of our own where none is given."""
    text = key or str(uuid.uuid4())
    # A string as RFC 9651, section 3.3.3, writes it.
    return {"Idempotency-Key": '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'}


def _dataset_path(dataset_id: str, *parts: str) -> str:
    return "/".join(("datasets", quote(dataset_id, safe=""), *parts))


def _drain_path(name: str) -> str:
    return f"workers/{quote(name, safe='')}/drain"


def _nested(value: Any) -> object:  # noqa: ANN401 - an array of whatever library, or lists
    """An array as nested lists; anything else as it is."""
    return value.tolist() if hasattr(value, "tolist") else value


def _type_of_picture(data: bytes, path: Path) -> str:
    for begin, kind in _PICTURES.items():
        if data.startswith(begin):
            return kind
    raise PippinError(f"{path} is no PNG, JPEG or PGM; arrays are given by the name of the input")


_PICTURES = {
    b"\x89PNG\r\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"P5": "image/x-portable-graymap",
    b"P2": "image/x-portable-graymap",
}


def model_path(model_id: str, *parts: str) -> str:
    """Where an uploaded model, or a part of it, is."""
    return "/".join(("models", quote(model_id, safe=""), *parts))


Value = TypeVar("Value", bound=BaseModel)


def _as(kind: type[Value]) -> Callable[[httpx2.Response], Value]:
    def parse(response: httpx2.Response) -> Value:
        try:
            # A newer service may say more than this client knows.
            return kind.model_validate_json(response.content, extra="ignore")
        except ValidationError as error:
            raise _strange(response) from error

    return parse


_DESCRIPTION: TypeAdapter[Description] = TypeAdapter(Description)


def _description(response: httpx2.Response) -> Description:
    try:
        return _DESCRIPTION.validate_json(response.content, extra="ignore")
    except ValidationError as error:
        raise _strange(response) from error


def _job_document(request: JobRequest | Mapping[str, Any]) -> dict[str, Any]:
    return request.model_dump(mode="json", exclude_unset=True) if isinstance(request, JobRequest) else dict(request)


def _object(response: httpx2.Response) -> dict[str, Any]:
    try:
        value = response.json()
    except ValueError as error:
        raise _strange(response) from error
    if not isinstance(value, dict):
        raise _strange(response)
    return value


def warn_of_unreadable(entries: Sequence[UnreadableEntry]) -> None:
    """Log which records of a list the service could not read, each of them once."""
    for entry in entries:
        _warn_once(entry.id, entry.detail)


@lru_cache(1000)
def _warn_once(_: str, detail: str) -> None:
    _log.warning("%s", detail)


def _nothing(_: httpx2.Response) -> None:
    return None


def _strange(response: httpx2.Response) -> ServiceError:
    return ServiceError(
        response.status_code,
        "Not an answer of Pippin",
        f"{without_password(str(response.url))} answered something else: is another service running there, or one of "
        "another version?",
    )

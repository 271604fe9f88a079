"""The endpoints of the REST API: the request for each, and the parser of its response."""

import uuid
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
from pydantic import TypeAdapter, ValidationError

from pippin.api.checkpoints import CheckpointList, KeptCheckpoint
from pippin.api.datasets import DatasetPage, Manifest, Preview
from pippin.api.events import Event
from pippin.api.jobs import Job, JobPage
from pippin.api.metrics import EpochMetrics, JobMetrics
from pippin.api.models import ModelPage
from pippin.api.pages import Page
from pippin.api.predictions import EvaluationReport, Part, Prediction
from pippin.api.requests import JobRequest
from pippin.api.workers import Worker, WorkerList
from pippin.client.calls import Call, as_model, as_object, as_type, warn_of_unreadable
from pippin.client.errors import ServiceError
from pippin.errors import PippinError
from pippin.models.record import Description, ModelRecord
from pippin.models.spec.summary import SpecSummary

_DESCRIPTION: TypeAdapter[Description] = TypeAdapter(Description)
_PICTURE_TYPES = {
    b"\x89PNG\r\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"P5": "image/x-portable-graymap",
    b"P2": "image/x-portable-graymap",
}


def submit(request: JobRequest | Mapping[str, Any], idempotency_key: str | None) -> Call[Job]:
    """`POST /jobs`. The idempotency key makes a repeat harmless; 409: the service still processes the first attempt."""
    headers = _idempotency_header(idempotency_key)
    body = _job_document(request)
    return Call(method="POST", path="jobs", parse=as_model(Job), json=body, headers=headers, busy=frozenset({409}))


def jobs(status: str | None, labels: Mapping[str, str], after: str | None, limit: int) -> Call[Page[Job]]:
    """`GET /jobs`: one page."""
    params = [("limit", str(limit)), *(("label", f"{key}={value}") for key, value in labels.items())]
    params += [(name, value) for name, value in (("status", status), ("after", after)) if value is not None]
    return Call(method="GET", path="jobs", parse=as_model(JobPage), params=params)


def job(job_id: str) -> Call[Job]:
    """`GET /jobs/{id}`."""
    return Call(method="GET", path=job_path(job_id), parse=as_model(Job))


def metrics(job_id: str, after: str | None) -> Call[JobMetrics]:
    """`GET /jobs/{id}/metrics` as JSON: one page of the metrics of a long training."""
    params = [("after", after)] if after else []
    return Call(method="GET", path=job_path(job_id, "metrics"), parse=as_model(JobMetrics), params=params)


def epoch(event: Event) -> EpochMetrics:
    """The metrics in the event of an epoch."""
    try:
        return EpochMetrics.model_validate(event.data, extra="ignore")
    except ValidationError as error:
        raise ServiceError(
            200, "Not a valid epoch event", f"The stream has the data {str(event.data)[:80]}."
        ) from error


def cancel(job_id: str) -> Call[Job]:
    """`POST /jobs/{id}/cancel`. A repeat of a successful call would be refused: the job may be final by then."""
    return Call(method="POST", path=job_path(job_id, "cancel"), parse=as_model(Job), may_repeat=False)


def pause(job_id: str) -> Call[Job]:
    """`POST /jobs/{id}/pause`. A repeat leaves a paused job paused."""
    return Call(method="POST", path=job_path(job_id, "pause"), parse=as_model(Job))


def resume(job_id: str) -> Call[Job]:
    """`POST /jobs/{id}/resume`. A repeat of a successful call would be refused: a worker may have the job by then."""
    return Call(method="POST", path=job_path(job_id, "resume"), parse=as_model(Job), may_repeat=False)


def retry(job_id: str, from_checkpoint: bool, idempotency_key: str | None) -> Call[Job]:
    """`POST /jobs/{id}/retry`. The idempotency key makes a repeat harmless; 409 may mean that a retry is impossible."""
    return Call(
        method="POST",
        path=job_path(job_id, "retry"),
        parse=as_model(Job),
        json={"from_checkpoint": from_checkpoint},
        headers=_idempotency_header(idempotency_key),
    )


def checkpoints(job_id: str) -> Call[list[KeptCheckpoint]]:
    """`GET /jobs/{id}/checkpoints`."""
    read = as_model(CheckpointList)
    return Call(method="GET", path=job_path(job_id, "checkpoints"), parse=lambda response: read(response).data)


def delete(job_id: str) -> Call[None]:
    """`DELETE /jobs/{id}`. A repeat of a successful call would be refused: the job no longer exists."""
    return Call(method="DELETE", path=job_path(job_id), parse=_no_content, may_repeat=False)


def predict(
    job_id: str, inputs: Mapping[str, Any] | str | PathLike[str], top: int, background: str | None
) -> Call[Prediction]:
    """`POST /jobs/{id}/predict` with arrays by input name, or with the path of a picture.

    Raises:
        PippinError: The file is not a picture.
        OSError: The file cannot be read.
    """
    picture, document, headers = None, None, {}
    if isinstance(inputs, Mapping):
        document = {"inputs": {name: _nested_lists(value) for name, value in inputs.items()}}
    else:
        picture = Path(inputs).read_bytes()
        headers = {"content-type": _picture_type(picture, Path(inputs))}
    return Call(
        method="POST",
        path=job_path(job_id, "predict"),
        parse=as_model(Prediction),
        params=[("top", str(top)), *([("background", background)] if background is not None else [])],
        headers=headers,
        json=document,
        content=picture,
        # The call may wait for other calls, then compute for the same time again.
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
    document = {
        "dataset": dataset,
        "split": split,
        "part": part,
        "bind": bind and dict(bind),
        "max_examples": max_examples,
    }
    return Call(
        method="POST",
        path=job_path(job_id, "evaluate"),
        parse=as_model(EvaluationReport),
        json={name: value for name, value in document.items() if value is not None},
        # The call may wait for another call, then compute for the same time again.
        answer_seconds=660,
    )


def add_dataset(name: str, files: Sequence[str | PathLike[str]], options: Mapping[str, str]) -> Call[Manifest]:
    """`POST /datasets`. The same bytes under the same name are the same dataset, so the call may be repeated."""
    return Call(
        method="POST",
        path="datasets",
        parse=as_model(Manifest),
        params=[("name", name), *options.items()],
        files=[Path(file) for file in files],
        # The service parses a large table before it responds.
        answer_seconds=900,
    )


def datasets(after: str | None) -> Call[Page[Manifest]]:
    """`GET /datasets`: one page."""
    params = [("after", after)] if after is not None else []
    return Call(method="GET", path="datasets", parse=as_model(DatasetPage), params=params)


def dataset(dataset_id: str) -> Call[Manifest]:
    """`GET /datasets/{id}`."""
    return Call(method="GET", path=_dataset_path(dataset_id), parse=as_model(Manifest))


def preview(dataset_id: str, split: str | None, limit: int) -> Call[Preview]:
    """`GET /datasets/{id}/preview`."""
    params = [("limit", str(limit)), *([("split", split)] if split is not None else [])]
    return Call(method="GET", path=_dataset_path(dataset_id, "preview"), parse=as_model(Preview), params=params)


def delete_dataset(dataset_id: str) -> Call[None]:
    """`DELETE /datasets/{id}`. A repeat may delete another dataset of the same name."""
    return Call(method="DELETE", path=_dataset_path(dataset_id), parse=_no_content, may_repeat=False)


def add_model(model: Mapping[str, Any] | str | PathLike[str], name: str | None) -> Call[ModelRecord]:
    """`POST /models`. The same model under the same name is the same record, so the call may be repeated."""
    body: dict[str, Any] = {"json": dict(model)} if isinstance(model, Mapping) else {"files": [Path(model)]}
    return Call(
        method="POST",
        path="models",
        parse=as_model(ModelRecord),
        params=[("name", name)] if name is not None else [],
        # The upload may wait for other uploads before the service reads it.
        answer_seconds=300,
        **body,
    )


def models(after: str | None, limit: int) -> Call[Page[ModelRecord]]:
    """`GET /models`: one page."""
    params = [("limit", str(limit)), *([("after", after)] if after is not None else [])]
    return Call(method="GET", path="models", parse=as_model(ModelPage), params=params)


def model(model_id: str) -> Call[ModelRecord]:
    """`GET /models/{id}`."""
    return Call(method="GET", path=model_path(model_id), parse=as_model(ModelRecord))


def model_spec(model_id: str, form: str) -> Call[dict[str, Any]]:
    """`GET /models/{id}/spec`."""
    return Call(method="GET", path=model_path(model_id, "spec"), parse=as_object, params=[("form", form)])


def delete_model(model_id: str) -> Call[None]:
    """`DELETE /models/{id}`. A repeat may delete another model of the same name."""
    return Call(method="DELETE", path=model_path(model_id), parse=_no_content, may_repeat=False)


def workers() -> Call[list[Worker]]:
    """`GET /workers`."""
    read = as_model(WorkerList)

    def parse(response: httpx2.Response) -> list[Worker]:
        page = read(response)
        warn_of_unreadable(page.unreadable)
        return page.data

    return Call(method="GET", path="workers", parse=parse)


def drain(name: str, *, hand_back: bool) -> Call[Worker]:
    """`POST /workers/{name}/drain`."""
    return Call(method="POST", path=_drain_path(name), parse=as_model(Worker), json={"hand_back": hand_back})


def undrain(name: str) -> Call[Worker]:
    """`DELETE /workers/{name}/drain`. A repeat changes nothing."""
    return Call(method="DELETE", path=_drain_path(name), parse=as_model(Worker))


def validate(spec: Mapping[str, Any]) -> Call[SpecSummary]:
    """`POST /specs/validate`."""
    return Call(method="POST", path="specs/validate", parse=as_model(SpecSummary), json=dict(spec))


def validate_job(request: JobRequest | Mapping[str, Any]) -> Call[Description]:
    """`POST /specs/validate` with a job request, which is not submitted."""
    return Call(method="POST", path="specs/validate", parse=as_type(_DESCRIPTION), json=_job_document(request))


def is_ready() -> Call[bool]:
    """`GET /readyz`."""
    return Call(method="GET", path="readyz", parse=lambda _: True)


def job_path(job_id: str, *parts: str) -> str:
    """The path of a job, or of a resource below it."""
    return "/".join(("jobs", quote(job_id, safe=""), *parts))


def checkpoint_path(job_id: str, epoch: int) -> str:
    """The path of the model in a job's checkpoint."""
    return job_path(job_id, "checkpoints", str(epoch), "model")


def model_path(model_id: str, *parts: str) -> str:
    """The path of an uploaded model, or of a resource below it."""
    return "/".join(("models", quote(model_id, safe=""), *parts))


def _idempotency_header(key: str | None) -> dict[str, str]:
    """The header that makes a call repeatable; without `key`, a random key."""
    text = key or str(uuid.uuid4())
    # A string in the syntax of RFC 9651, section 3.3.3.
    return {"Idempotency-Key": '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'}


def _dataset_path(dataset_id: str, *parts: str) -> str:
    return "/".join(("datasets", quote(dataset_id, safe=""), *parts))


def _drain_path(name: str) -> str:
    return f"workers/{quote(name, safe='')}/drain"


def _job_document(request: JobRequest | Mapping[str, Any]) -> dict[str, Any]:
    return request.model_dump(mode="json", exclude_unset=True) if isinstance(request, JobRequest) else dict(request)


def _nested_lists(value: Any) -> object:  # noqa: ANN401 - an array of any library, or lists
    """An array as nested lists; any other value unchanged."""
    return value.tolist() if hasattr(value, "tolist") else value


def _picture_type(data: bytes, path: Path) -> str:
    for signature, media_type in _PICTURE_TYPES.items():
        if data.startswith(signature):
            return media_type
    raise PippinError(f"{path} is not a PNG, JPEG or PGM file; pass arrays as a mapping from input names")


def _no_content(_: httpx2.Response) -> None:
    return None

"""Jobs: submitted, listed, read, cancelled, deleted."""

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Body, Header, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from pippin.jobs.job import Job
from pippin.jobs.request import JobRequest
from pippin.jobs.states import Status
from pippin.store import Idempotency, Store
from service import conditional, openapi
from service.bodies import JsonRoute
from service.context import Caller, ExistingJob, JobId, NeedsRoom, Tenant, TheModelFiles, TheStore
from service.model_sources import ModelSources
from service.problems import invalid_parameter, responses
from service.submission import prepare

router = APIRouter(tags=["jobs"], route_class=JsonRoute)

_KEY = re.compile(r'"((?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\]){1,255})"|([\x21\x23-\x7e]{1,255})')


class JobPage(BaseModel):
    """A page of jobs, newest first."""

    model_config = ConfigDict(frozen=True)

    data: list[Job]
    has_more: bool = Field(description="Whether older jobs follow.")
    next: str | None = Field(description="Give it as `after` for the page that follows; null on the last.")


@router.post(
    "/jobs",
    status_code=202,
    operation_id="submitJob",
    summary="Submit a job",
    response_description="The job, queued. `Location` says where it is.",
    responses=responses(400, 409, 413, 415, 422, 503),
    openapi_extra=openapi.body(JobRequest),
    dependencies=[NeedsRoom],
)
def submit(
    *,
    document: Annotated[object, Body()],
    response: Response,
    tenant: Tenant,
    caller: Caller,
    store: TheStore,
    model_files: TheModelFiles,
    idempotency_key: Annotated[
        str | None,
        Header(
            alias="Idempotency-Key",
            description="Any text of yours: a repeat with the same key and body makes no second job.",
        ),
    ] = None,
) -> Job:
    """Train a model. Whatever is wrong with the request is told at once, each fault with its place in the body."""
    with _once(store, tenant, document, idempotency_key) as (idempotency, known):
        job = store.jobs.get(tenant, known) if known else None
        if job is None:
            submission = prepare(document, tenant, store, ModelSources(tenant, store, model_files.trainable))
            job = store.jobs.submit(
                tenant,
                submission.request,
                spec=submission.spec,
                idempotency=idempotency,
                quota=caller.job_quota,
            )
    response.headers["location"] = f"/jobs/{job.id}"
    return job


@router.get(
    "/jobs",
    operation_id="listJobs",
    summary="List jobs",
    response_description="A page of jobs; `Link` leads to the next.",
    responses=responses(422, 503),
)
def page(
    *,
    request: Request,
    response: Response,
    tenant: Tenant,
    store: TheStore,
    status: Annotated[Status | None, Query(description="Only jobs in this state.")] = None,
    label: Annotated[
        list[str], Query(description="Only jobs with this label, as `key=value`; may be given several times.")
    ] = [],  # noqa: B006 (FastAPI copies it)
    after: Annotated[str | None, Query(description="The `next` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> JobPage:
    """Newest first."""
    found = store.jobs.page(tenant, status=status, labels=_labels(label), after=after, limit=limit)
    if found.next:
        query = [(name, value) for name, value in request.query_params.multi_items() if name != "after"]
        response.headers["link"] = f'</jobs?{urlencode([*query, ("after", found.next)])}>; rel="next"'
    return JobPage(data=list(found.items), has_more=found.has_more, next=found.next)


@router.get(
    "/jobs/{job_id}",
    response_model=Job,
    operation_id="getJob",
    summary="Look at a job",
    response_description="The job.",
    responses={304: {"description": "The job is as the client knows it."}, **responses(404, 503)},
)
def get(request: Request, job: ExistingJob) -> Response:
    """A job as it stands; with `If-None-Match` only if it has changed."""
    return conditional.document(request, job)


@router.post(
    "/jobs/{job_id}/cancel",
    status_code=202,
    operation_id="cancelJob",
    summary="Cancel a job",
    response_description="The job: cancelled, or cancelling until its worker has stopped.",
    responses=responses(404, 409, 503),
)
def cancel(job_id: JobId, tenant: Tenant, store: TheStore) -> Job:
    """Stop a job: at once if no worker has it yet. What has ended cannot be cancelled."""
    return store.jobs.cancel(tenant, job_id)


@router.delete(
    "/jobs/{job_id}",
    status_code=204,
    operation_id="deleteJob",
    summary="Delete a job",
    response_description="The job is gone.",
    responses=responses(404, 409, 503),
)
def delete(job_id: JobId, tenant: Tenant, store: TheStore) -> None:
    """Forget a job that has ended. A live one has to be cancelled first."""
    store.jobs.delete(tenant, job_id)


@contextmanager
def _once(
    store: Store, tenant: str, document: object, key: str | None
) -> Iterator[tuple[Idempotency | None, str | None]]:
    """Marks the request as being worked on, and forgets it if it leads to no job.

    Yields:
        The mark, and the id of the job that the first request with this key made.
    """
    if key is None:
        yield None, None
        return
    idempotency = Idempotency(_parsed_key(key), _fingerprint(document))
    known = store.idempotency.begin(tenant, idempotency)
    try:
        yield idempotency, known
    except Exception:
        store.idempotency.abandon(tenant, idempotency)
        raise


def _parsed_key(header: str) -> str:
    """The key, with or without the quotes that the draft asks for."""
    match = _KEY.fullmatch(header.strip())
    if match is None:
        raise invalid_parameter(
            "Idempotency-Key", f"found {header[:60]!r}; give 1 to 255 visible ASCII characters, in quotes or not"
        )
    return re.sub(r"\\(.)", r"\1", match[1]) if match[1] is not None else match[2]


def _fingerprint(document: object) -> str:
    """The same for two bodies that say the same, however they are written."""
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


def _labels(given: list[str]) -> dict[str, str]:
    labels: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not (name and equals):
            raise invalid_parameter("label", f"found {text!r}; give a label as key=value")
        if labels.setdefault(name, value) != value:
            raise invalid_parameter("label", f"no job has both {name}={labels[name]} and {name}={value}")
    return labels

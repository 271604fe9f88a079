"""Jobs: submit, list, read, cancel, pause, resume, retry, delete."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Body, Depends, Query, Request, Response
from pydantic import AfterValidator, WithJsonSchema

from pippin.api.jobs import Job, JobPage
from pippin.api.pages import UnreadableEntry
from pippin.api.requests import JobRequest, RetryRequest
from pippin.api.states import Status
from pippin.models.spec.explain import shown
from pippin.system import tracing
from service.http import schemas
from service.http.bodies import optional_body
from service.http.idempotency import IdempotencyKey, idempotent
from service.http.parameters import AfterJob
from service.http.responses import json_with_etag
from service.http.route_classes import JsonRoute
from service.jobs.retrying import prepare_retry
from service.jobs.submission import ModelSources, prepare_submission, store_large_spec
from service.problems import invalid_parameter, responses
from service.security.access import requires
from service.services import Caller, ExistingJob, JobId, RequiresSpace, Tenant, TheServices

router = APIRouter(tags=["jobs"], route_class=JsonRoute)


def _label(text: str) -> str:
    key, equals, _ = text.partition("=")
    if not (key and equals):
        raise ValueError(f"found {shown(text)}; give a label as key=value")
    return text


# Described in OpenAPI as a pattern; the validator has a more detailed message.
_Label = Annotated[str, AfterValidator(_label), WithJsonSchema({"type": "string", "pattern": "^[^=]+="})]


@router.post(
    "/jobs",
    status_code=202,
    operation_id="submitJob",
    summary="Submit a job",
    response_description="The queued job; `Location` has its path.",
    responses=responses(
        400, "idempotency-in-flight", 413, 415, 422, "idempotency-mismatch", "quota-exceeded", 503, 507, "tenant-full"
    ),
    openapi_extra=schemas.body(JobRequest),
    dependencies=[requires("submit"), RequiresSpace],
)
async def submit_job(
    *,
    document: Annotated[object, Body()],
    response: Response,
    tenant: Tenant,
    caller: Caller,
    services: TheServices,
    idempotency_key: IdempotencyKey = None,
) -> Job:
    """Queues a job that trains a model. All faults of the request are reported at once, with pointers into the body."""

    def submitted() -> Job:
        with idempotent(services.store, tenant, document, idempotency_key) as (idempotency, existing_id):
            job = services.store.jobs.get(tenant, existing_id) if existing_id else None
            if job is None:
                sources = ModelSources(tenant, services.store, services.model_files.trainable)
                submission = prepare_submission(
                    document,
                    tenant,
                    services.store,
                    sources,
                    max_training_bytes=services.settings.max_training_bytes,
                    max_epochs=services.settings.max_epochs,
                )
                submission = store_large_spec(submission, services.blobs)
                job = services.store.jobs.submit(
                    tenant,
                    submission.request,
                    spec=submission.spec,
                    idempotency=idempotency,
                    quota=caller.job_quota,
                    traceparent=tracing.traceparent(),
                )
            return job

    job = await services.workload.run(services.workload.submissions, tenant, submitted)
    response.headers["location"] = f"/jobs/{job.id}"
    return job


@router.get(
    "/jobs",
    operation_id="listJobs",
    summary="List jobs",
    response_description="A page of jobs; `Link` has the next page.",
    responses=responses(422, 503),
    dependencies=[requires("read")],
)
def list_jobs(
    *,
    request: Request,
    response: Response,
    tenant: Tenant,
    services: TheServices,
    status: Annotated[Status | None, Query(description="Only jobs with this status.")] = None,
    label: Annotated[
        list[_Label],
        Query(max_length=64, description="Only jobs with this label, as `key=value`; may be given several times."),
    ] = [],  # noqa: B006 (FastAPI copies it)
    after: AfterJob = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> JobPage:
    """Lists the jobs, newest first."""
    page = services.store.jobs.page(
        tenant,
        status=status,
        labels=_labels(label),
        after=after,
        limit=limit,
        max_bytes=services.settings.max_page_bytes,
    )
    services.meters.page_created(page, limit, "jobs")
    if page.next:
        query = [(name, value) for name, value in request.query_params.multi_items() if name != "after"]
        response.headers["link"] = f'</jobs?{urlencode([*query, ("after", page.next)])}>; rel="next"'
    return JobPage(
        data=list(page.items),
        has_more=page.has_more,
        next=page.next,
        unreadable=[UnreadableEntry(id=each.id, detail=each.detail) for each in page.unreadable],
    )


@router.get(
    "/jobs/{job_id}",
    response_model=Job,
    operation_id="getJob",
    summary="Get a job",
    response_description="The job.",
    responses={304: {"description": "The job has not changed."}, **responses(404, "ambiguous-name", 503)},
    dependencies=[requires("read")],
)
def get_job(request: Request, job: ExistingJob) -> Response:
    """Returns the current state of a job; with `If-None-Match`, only if the job has changed."""
    return json_with_etag(request, job)


@router.post(
    "/jobs/{job_id}/cancel",
    status_code=202,
    operation_id="cancelJob",
    summary="Cancel a job",
    response_description="The job: cancelled, or cancelling until its worker has stopped.",
    responses=responses(404, 409, "ambiguous-name", 503),
    dependencies=[requires("submit")],
)
def cancel_job(job_id: JobId, tenant: Tenant, services: TheServices) -> Job:
    """Cancels a job: at once if no worker has claimed it. A job that has ended cannot be cancelled."""
    return services.store.jobs.cancel(tenant, job_id)


@router.post(
    "/jobs/{job_id}/pause",
    status_code=202,
    operation_id="pauseJob",
    summary="Pause a job",
    response_description="The job: paused, or pausing until its worker has made a checkpoint and stopped.",
    responses=responses(404, 409, "ambiguous-name", 503),
    dependencies=[requires("submit")],
)
def pause_job(job_id: JobId, tenant: Tenant, services: TheServices) -> Job:
    """Pauses a job: at once if no worker has claimed it, else after its worker has stored a checkpoint."""
    return services.store.jobs.pause(tenant, job_id)


@router.post(
    "/jobs/{job_id}/resume",
    status_code=202,
    operation_id="resumeJob",
    summary="Resume a job",
    response_description="The job, queued again.",
    responses=responses(404, 409, "ambiguous-name", 503, "tenant-full"),
    dependencies=[requires("submit")],
)
def resume_job(job_id: JobId, tenant: Tenant, services: TheServices) -> Job:
    """Queues a paused job again. It continues from its newest checkpoint, with the engine that made the checkpoint."""
    return services.store.jobs.resume(tenant, job_id)


@router.post(
    "/jobs/{job_id}/retry",
    status_code=202,
    operation_id="retryJob",
    summary="Retry a job",
    response_description="The new, queued job; `retry_of` is the id of the old one, and `Location` has the path of "
    "the new one.",
    responses=responses(
        400,
        404,
        409,
        "ambiguous-name",
        "idempotency-in-flight",
        413,
        415,
        422,
        "idempotency-mismatch",
        "quota-exceeded",
        503,
        507,
        "tenant-full",
    ),
    openapi_extra=schemas.body(RetryRequest, required=False),
    dependencies=[requires("submit"), RequiresSpace],
)
def retry_job(
    *,
    job: ExistingJob,
    asked: Annotated[RetryRequest, Depends(optional_body(RetryRequest))],
    response: Response,
    tenant: Tenant,
    caller: Caller,
    services: TheServices,
    idempotency_key: IdempotencyKey = None,
) -> Job:
    """Queues a new job with the request of a failed or cancelled one, from the start or from its newest checkpoint."""
    document = {"retry": job.id, **asked.model_dump()}
    with idempotent(services.store, tenant, document, idempotency_key) as (idempotency, existing_id):
        earlier = services.store.jobs.get(tenant, existing_id) if existing_id else None
        if earlier is None:
            prepared = prepare_retry(job, tenant, services.store, services.blobs, from_checkpoint=asked.from_checkpoint)
            earlier = prepared.submit(tenant, services.store, idempotency, caller.job_quota)
    response.headers["location"] = f"/jobs/{earlier.id}"
    return earlier


@router.delete(
    "/jobs/{job_id}",
    status_code=204,
    operation_id="deleteJob",
    summary="Delete a job",
    response_description="The job is deleted.",
    responses=responses(404, 409, "ambiguous-name", 503),
    dependencies=[requires("submit")],
)
def delete_job(job_id: JobId, tenant: Tenant, services: TheServices) -> None:
    """Deletes a job that has ended. A job that has not ended must be cancelled first."""
    services.store.jobs.delete(tenant, job_id)


def _labels(texts: list[str]) -> dict[str, str]:
    labels: dict[str, str] = {}
    for text in texts:
        name, _, value = text.partition("=")
        if labels.setdefault(name, value) != value:
            raise invalid_parameter("label", f"no job has both {name}={labels[name]} and {name}={value}")
    return labels

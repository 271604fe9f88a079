"""Jobs that are tried again."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from pippin.api.jobs import Job
from pippin.api.requests import RetryRequest
from service import openapi
from service.http.bodies import JsonRoute, optional
from service.http.idempotency import IdempotencyKey, once
from service.jobs.retrying import prepare_retry
from service.problems import responses
from service.security.access import requires
from service.services import Caller, ExistingJob, NeedsRoom, Tenant, TheServices

router = APIRouter(tags=["jobs"], route_class=JsonRoute)


@router.post(
    "/jobs/{job_id}/retry",
    status_code=202,
    operation_id="retryJob",
    summary="Try a job again",
    response_description="The new job, queued; `retry_of` names the old one. `Location` says where it is.",
    responses=responses(400, 404, 409, 413, 415, 422, 503, 507),
    openapi_extra=openapi.body(RetryRequest, required=False),
    dependencies=[requires("submit"), NeedsRoom],
)
def retry_job(
    *,
    job: ExistingJob,
    asked: Annotated[RetryRequest, Depends(optional(RetryRequest))],
    response: Response,
    tenant: Tenant,
    caller: Caller,
    services: TheServices,
    idempotency_key: IdempotencyKey = None,
) -> Job:
    """Make a new job that asks the same as one that has failed or was cancelled, anew or from its newest checkpoint."""
    document = {"retry": job.id, **asked.model_dump()}
    with once(services.store, tenant, document, idempotency_key) as (idempotency, known):
        made = services.store.jobs.get(tenant, known) if known else None
        if made is None:
            found = prepare_retry(job, tenant, services.store, services.blobs, from_checkpoint=asked.from_checkpoint)
            made = found.submit(tenant, services.store, idempotency, caller.job_quota)
    response.headers["location"] = f"/jobs/{made.id}"
    return made

"""The models that a job produces: initial, trained, and one for each checkpoint."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from pippin.api.checkpoints import CheckpointList, KeptCheckpoint
from pippin.api.jobs import Artifact, Job, Variant
from service.http.files import BINARY, attachment, safe_name, serve_blob
from service.http.route_classes import JsonRoute
from service.problems import Problem, not_found, responses
from service.security.access import requires
from service.services import ExistingJob, Tenant, TheServices

router = APIRouter(tags=["jobs"], route_class=JsonRoute)


@router.head("/jobs/{job_id}/model", include_in_schema=False, dependencies=[requires("read")])
@router.get(
    "/jobs/{job_id}/model",
    response_class=Response,
    operation_id="downloadModel",
    summary="Download a model",
    responses={
        200: {"description": "The `.mlmodel`.", **BINARY},
        206: {"description": "The requested range of the file.", **BINARY},
        304: {"description": "The client already has the file."},
        **responses(404, 409, "ambiguous-name", 416, 503),
    },
    dependencies=[requires("read")],
)
def download_trained_model(
    request: Request,
    job: ExistingJob,
    services: TheServices,
    variant: Annotated[
        Variant,
        Query(
            description="`trained` can be trained further; `inference` cannot and is smaller; `initial` is the "
            "model before the training."
        ),
    ] = "trained",
) -> Response:
    """Returns the `.mlmodel` that the job has produced, with its SHA-256 in `ETag` and `Repr-Digest`."""
    artifact = artifact_of(job, variant)
    headers = {"content-disposition": attachment(_filename(job, variant))}
    return serve_blob(request, services.blobs, artifact.digest, artifact.bytes, headers)


@router.get(
    "/jobs/{job_id}/checkpoints",
    operation_id="listCheckpoints",
    summary="List a job's checkpoints",
    response_description="The epochs with a kept checkpoint.",
    responses=responses(404, "ambiguous-name", 503),
    dependencies=[requires("read")],
)
def list_checkpoints(job: ExistingJob, tenant: Tenant, services: TheServices) -> CheckpointList:
    """Lists the checkpoints of the newest epochs, as many as the job keeps."""
    kept = services.store.jobs.checkpoints(tenant, job.id)
    metrics = services.store.events.epochs(tenant, job.id, [checkpoint.epoch for checkpoint in kept])
    return CheckpointList(
        data=[
            KeptCheckpoint(
                epoch=checkpoint.epoch,
                engine=checkpoint.engine,
                bytes=checkpoint.bytes,
                created_at=checkpoint.created_at,
                url=f"/jobs/{job.id}/checkpoints/{checkpoint.epoch}/model",
                metrics=metrics.get(checkpoint.epoch),
            )
            for checkpoint in kept
        ]
    )


@router.head("/jobs/{job_id}/checkpoints/{epoch}/model", include_in_schema=False, dependencies=[requires("read")])
@router.get(
    "/jobs/{job_id}/checkpoints/{epoch}/model",
    response_class=Response,
    operation_id="downloadCheckpoint",
    summary="Download a checkpoint as a model",
    responses={
        200: {"description": "The `.mlmodel`.", **BINARY},
        206: {"description": "The requested range of the file.", **BINARY},
        304: {"description": "The client already has the file."},
        **responses(404, 409, "ambiguous-name", 416, 422, 503),
    },
    dependencies=[requires("read")],
)
async def download_checkpoint(
    *,
    request: Request,
    job: ExistingJob,
    epoch: Annotated[int, Path(ge=0, description="An epoch with a kept checkpoint.")],
    tenant: Tenant,
    services: TheServices,
) -> Response:
    """Returns the updatable model as it was at the end of an epoch, with its SHA-256 in `ETag` and `Repr-Digest`."""
    kept = await run_in_threadpool(services.store.jobs.checkpoints, tenant, job.id)
    checkpoint = next((each for each in kept if each.epoch == epoch), None)
    if checkpoint is None:
        there = (
            (f"the kept ones are those of {', '.join((str(each.epoch) for each in kept))}")
            if kept
            else "the job has no checkpoints"
        )
        raise not_found(f"checkpoint of epoch {epoch} of {job.id}; {there}")
    initial = artifact_of(job, "initial").digest
    digest, size = await services.workload.run(
        services.workload.exports, tenant, lambda: services.checkpoint_models.find(initial, checkpoint)
    )
    headers = {"content-disposition": attachment(f"{stem_of(job)}-epoch-{epoch}.mlmodel")}
    return serve_blob(request, services.blobs, digest, size, headers)


def artifact_of(job: Job, variant: Variant) -> Artifact:
    """The artifact of a job.

    Raises:
        Problem: 409 while the job has not produced it yet, 404 once the job has ended without it.
    """
    artifact = next((each for each in job.artifacts if each.variant == variant), None)
    if artifact is not None:
        return artifact
    if job.status.is_final:
        raise Problem("not-found", f"The job has {job.status} and will have no {variant} model.")
    raise Problem("state-conflict", f"The job is {job.status} and has no {variant} model yet.")


def stem_of(job: Job) -> str:
    """The stem of the names of the job's files."""
    model = job.request.model
    return safe_name(job.name or model.preset or model.name or job.id, job.id)


def _filename(job: Job, variant: Variant) -> str:
    stem = stem_of(job)
    return f"{stem}.mlmodel" if variant == "trained" else f"{stem}-{variant}.mlmodel"

"""The files that a job has made."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from pippin.api.jobs import Artifact, Job, Variant
from service.http.bodies import JsonRoute
from service.http.disposition import attachment, safe_name
from service.http.files import serve
from service.problems import Problem, responses
from service.security.access import requires
from service.services import ExistingJob, TheServices

router = APIRouter(tags=["jobs"], route_class=JsonRoute)

FILE = {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}


@router.head("/jobs/{job_id}/model", include_in_schema=False, dependencies=[requires("read")])
@router.get(
    "/jobs/{job_id}/model",
    response_class=Response,
    operation_id="downloadModel",
    summary="Download a model",
    responses={
        200: {"description": "The `.mlmodel`.", **FILE},
        206: {"description": "The part of it that `Range` asks for.", **FILE},
        304: {"description": "The client has it already."},
        **responses(404, 409, 416, 503),
    },
    dependencies=[requires("read")],
)
def download_trained_model(
    request: Request,
    job: ExistingJob,
    services: TheServices,
    variant: Annotated[
        Variant,
        Query(description="`trained` can be trained on; `inference` cannot and is smaller; `initial` is as built."),
    ] = "trained",
) -> Response:
    """The `.mlmodel` that the job has made, with its SHA-256 in `ETag` and `Repr-Digest`."""
    artifact = artifact_of(job, variant)
    headers = {"content-disposition": attachment(_filename(job, variant))}
    return serve(request, services.blobs, artifact.digest, artifact.bytes, headers)


def artifact_of(job: Job, variant: Variant) -> Artifact:
    """The file that the job has made.

    Raises:
        Problem: 409 while it is not yet made, 404 once it never will be.
    """
    artifact = next((made for made in job.artifacts if made.variant == variant), None)
    if artifact is not None:
        return artifact
    if job.status.is_final:
        raise Problem("not-found", f"The job has {job.status} and will never have a model called {variant}.")
    raise Problem("state-conflict", f"The job is {job.status} and has not made its {variant} model yet.")


def stem_of(job: Job) -> str:
    """What the names of the job's files begin with."""
    model = job.request.model
    return safe_name(job.name or model.preset or model.name or job.id, job.id)


def _filename(job: Job, variant: Variant) -> str:
    stem = stem_of(job)
    return f"{stem}.mlmodel" if variant == "trained" else f"{stem}-{variant}.mlmodel"

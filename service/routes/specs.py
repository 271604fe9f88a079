"""Validates specs and jobs without training."""

from fastapi import APIRouter, Request
from fastapi.concurrency import contextmanager_in_threadpool

from pippin.models.record import Description
from service.http import schemas
from service.http.bodies import too_many_values
from service.http.media_types import YAML, is_json, is_yaml, unsupported
from service.http.route_classes import JsonRoute
from service.http.uploads import spooled
from service.jobs.submission import ModelSources, prepare_submission
from service.models.files import Language
from service.problems import invalid, malformed, responses
from service.security.access import requires
from service.services import Tenant, TheServices
from service.work_folders import work_folder

router = APIRouter(tags=["specs"], route_class=JsonRoute)


@router.post(
    "/specs/validate",
    operation_id="validateSpec",
    summary="Check a model spec or a job",
    response_description="The document is valid; the response is the model that it describes or names.",
    responses=responses(400, 413, 415, 422, 503),
    openapi_extra=schemas.model_document_body(),
    dependencies=[requires("read")],
)
async def validate_spec(
    *,
    request: Request,
    tenant: Tenant,
    services: TheServices,
) -> Description:
    """Returns shapes and parameter counts of a model, or all faults of its spec with pointers from the document's root.

    The spec may also be a model of SwiftCoreMLTools, or a job as `POST /jobs` takes it, which is checked with its
    hyperparameters and its dataset and not submitted. Each may be written in YAML (`application/yaml`).
    """
    if not (is_json(request) or is_yaml(request)):
        raise unsupported(request, "application/json", YAML[0])
    async with contextmanager_in_threadpool(work_folder(services.settings)) as folder:
        document = await spooled(request, folder / "spec", services.settings.max_body_bytes)
        if not document.bytes:
            raise malformed("it is empty; needs JSON or YAML")
        language: Language = "json" if is_json(request) else "yaml"
        summary = await services.workload.run(
            services.workload.files(document.bytes),
            tenant,
            lambda: services.model_files.validate(document.path, language, services.settings.max_training_bytes),
        )
    job = summary.job
    if job is None:
        assert summary.model is not None
        return summary.model
    if fault := too_many_values(job):
        raise invalid([fault])

    def check() -> Description:
        submission = prepare_submission(
            job,
            tenant,
            services.store,
            ModelSources(tenant, services.store, services.model_files.trainable),
            max_training_bytes=services.settings.max_training_bytes,
            max_epochs=services.settings.max_epochs,
        )
        digest = submission.request.model.digest
        if digest is not None:
            return services.model_files.describe(digest)
        assert summary.model is not None
        return summary.model

    return await services.workload.run(services.workload.submissions, tenant, check)

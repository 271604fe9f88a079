"""Specs, checked without training anything."""

from fastapi import APIRouter, Request
from fastapi.concurrency import contextmanager_in_threadpool

from pippin.spec.summary import SpecSummary
from service import openapi
from service.context import Tenant, TheModelFiles, TheSettings, TheWorkload
from service.datasets.ingest import workroom
from service.http.bodies import YAML, JsonRoute, is_json, is_yaml, unsupported
from service.http.uploads import spooled
from service.models.files import Language
from service.problems import malformed, responses
from service.security.access import requires

router = APIRouter(tags=["specs"], route_class=JsonRoute)


@router.post(
    "/specs/validate",
    operation_id="validateSpec",
    summary="Check a model spec",
    response_description="The spec is right, and this is what it describes.",
    responses=responses(400, 413, 415, 422, 503),
    openapi_extra=openapi.model_document_body(),
    dependencies=[requires("read")],
)
async def validate(
    request: Request, tenant: Tenant, settings: TheSettings, model_files: TheModelFiles, workload: TheWorkload
) -> SpecSummary:
    """Shapes and parameter counts of a model, or every fault of its spec with pointers from the spec's root.

    The spec may also be a model of SwiftCoreMLTools, and either may be written in YAML
    (`application/yaml`).
    """
    if not (is_json(request) or is_yaml(request)):
        raise unsupported(request, "application/json", YAML[0])
    async with contextmanager_in_threadpool(workroom(settings)) as folder:
        document = await spooled(request, folder / "spec", settings.max_body_bytes)
        if not document.bytes:
            raise malformed("it is empty; this takes JSON or YAML")
        language: Language = "json" if is_json(request) else "yaml"
        return await workload.run(
            workload.files(document.bytes),
            tenant,
            lambda: model_files.validate(document.path, language, settings.max_training_bytes),
        )

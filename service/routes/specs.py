"""Specs, checked without training anything."""

from pathlib import Path

import anyio.to_thread
from fastapi import APIRouter, Request
from fastapi.concurrency import contextmanager_in_threadpool
from starlette.concurrency import run_in_threadpool

from pippin.models.documents import read_document
from pippin.spec.summary import SpecSummary
from service import openapi
from service.context import TheModelFiles, TheSettings
from service.datasets.ingest import workroom
from service.http.bodies import YAML, JsonRoute, is_json, is_yaml, unsupported
from service.models.files import ModelFiles, reading
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
async def validate(request: Request, settings: TheSettings, model_files: TheModelFiles) -> SpecSummary:
    """Shapes and parameter counts of a model, or every fault of its spec with pointers from the spec's root.

    The spec may also be a model of SwiftCoreMLTools, and either may be written in YAML.
    """
    if not (is_json(request) or is_yaml(request)):
        raise unsupported(request, "application/json", YAML[0])
    body = await request.body()
    if not body:
        raise malformed("it is empty; this takes JSON or YAML")
    if is_json(request):
        return await run_in_threadpool(_validate_json, await request.json(), settings.max_training_bytes)
    async with contextmanager_in_threadpool(workroom(settings)) as folder:
        arguments = (body, folder / "spec.yaml", model_files, settings.max_training_bytes)
        return await anyio.to_thread.run_sync(_validate_yaml, *arguments, limiter=reading)


def _validate_json(document: object, most_bytes: int) -> SpecSummary:
    found = read_document(document)
    found.check_memory(most_bytes)
    return found.summary()


def _validate_yaml(body: bytes, path: Path, model_files: ModelFiles, most_bytes: int) -> SpecSummary:
    path.write_bytes(body)
    return model_files.validate(path, "yaml", most_bytes)

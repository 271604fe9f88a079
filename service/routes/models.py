"""Models: upload, list, inspect, download, delete."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePath
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.concurrency import contextmanager_in_threadpool

from pippin.api.models import ModelPage
from pippin.api.pages import UnreadableEntry
from pippin.api.problems import ErrorItem
from pippin.models.record import ModelRecord, StoredModel
from service.error_handlers import fault_of
from service.http import schemas, uploads
from service.http.files import BINARY, attachment, safe_name, serve_blob, serve_file
from service.http.media_types import YAML, is_json, is_yaml, media_type
from service.http.parameters import AfterModel, ModelReference, NewName
from service.http.responses import json_with_etag
from service.http.route_classes import JsonRoute, ModelUploadRoute
from service.models.files import Form
from service.models.uploads import Kind, ModelUploads
from service.problems import Problem, invalid_request, malformed, not_found, responses
from service.sandbox import SandboxError, TaskRefused
from service.security.access import requires
from service.services import Caller, RequiresSpace, Tenant, TheServices
from service.work_folders import work_folder

router = APIRouter(tags=["models"], route_class=JsonRoute)
upload_router = APIRouter(tags=["models"], route_class=ModelUploadRoute)

# The file of a model. curl's --data-binary sends the media type of a form by default.
_MLMODEL_TYPES = frozenset({"", "application/octet-stream", "application/x-www-form-urlencoded"})
_KINDS_BY_SUFFIX: dict[str, Kind] = {".json": "json", ".yaml": "yaml", ".yml": "yaml"}


@upload_router.post(
    "/models",
    status_code=201,
    response_model=ModelRecord,
    operation_id="addModel",
    summary="Upload a model",
    response_description="The model is new; `Location` has its path.",
    responses={
        200: {"description": "The same model with the same name already exists.", "model": ModelRecord},
        **responses(400, "name-taken", 413, 415, 422, "quota-exceeded", 503, 507, "tenant-full"),
    },
    openapi_extra=schemas.model_body(),
    dependencies=[requires("submit"), RequiresSpace],
)
async def upload_model(
    *,
    request: Request,
    response: Response,
    tenant: Tenant,
    caller: Caller,
    services: TheServices,
    name: Annotated[
        NewName | None,
        Query(min_length=1, max_length=200, description="Name of the model, unique in the tenant."),
    ] = None,
) -> StoredModel:
    """Stores an updatable `.mlmodel`, sent as a file or described by a document.

    A document is a spec or a model of SwiftCoreMLTools, in JSON or in YAML (`application/yaml`). A model that cannot be
    trained is refused with every reason; pointers lead into the document, or into the spec that would describe the
    file's model.
    """
    model_uploads = ModelUploads(
        services.store, services.blobs, services.model_files, services.settings.max_model_bytes, caller.byte_quota
    )
    kind = _kind(request)
    raw = _MLMODEL_TYPES if kind == "mlmodel" else {media_type(request)}
    async with contextmanager_in_threadpool(work_folder(services.settings)) as folder:
        upload = await uploads.receive(
            request, folder, services.settings.max_model_bytes, raw=raw, suggested=("application/json", YAML[0])
        )
        if len(upload.files) > 1:
            raise malformed(f"it has {len(upload.files)} files; needs one, the model")
        (sent,) = upload.files
        # The suffix of a file name in a form determines its kind.
        kind = _KINDS_BY_SUFFIX.get(PurePath(sent.name).suffix.lower(), kind)
        record, is_new = await services.workload.run(
            services.workload.files(sent.bytes),
            tenant,
            lambda: model_uploads.store_upload(sent, kind, name=name, tenant=tenant, folder=folder),
        )
    response.status_code = 201 if is_new else 200
    response.headers["location"] = f"/models/{record.id}"
    return record


@router.get(
    "/models",
    operation_id="listModels",
    summary="List models",
    response_description="A page of models.",
    responses=responses(422, 503),
    dependencies=[requires("read")],
)
def list_models(
    *,
    tenant: Tenant,
    services: TheServices,
    after: AfterModel = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> ModelPage:
    """Lists the models, newest first."""
    page = services.store.models.page(tenant, after=after, limit=limit, max_bytes=services.settings.max_page_bytes)
    services.meters.page_created(page, limit, "models")
    return ModelPage(
        data=list(page.items),
        has_more=page.has_more,
        next=page.next,
        unreadable=[UnreadableEntry(id=each.id, detail=each.detail) for each in page.unreadable],
    )


def _existing(model_id: ModelReference, tenant: Tenant, services: TheServices) -> StoredModel:
    record = services.store.models.get(tenant, model_id)
    if record is None:
        raise not_found(f"model {model_id}")
    return record


ExistingModel = Annotated[StoredModel, Depends(_existing)]


@router.get(
    "/models/{model_id}",
    response_model=ModelRecord,
    operation_id="getModel",
    summary="Get a model",
    response_description="The model.",
    responses={304: {"description": "The model has not changed."}, **responses(404, "ambiguous-name", 503)},
    dependencies=[requires("read")],
)
def get_model(request: Request, record: ExistingModel) -> Response:
    """Returns the content of a model, found by id or name, the choices of a job that trains it, and findings."""
    return json_with_etag(request, ModelRecord.model_validate(record.model_dump(include=set(ModelRecord.model_fields))))


@router.head("/models/{model_id}/file", include_in_schema=False, dependencies=[requires("read")])
@router.get(
    "/models/{model_id}/file",
    response_class=Response,
    operation_id="downloadModelFile",
    summary="Download an uploaded model",
    responses={
        200: {"description": "The `.mlmodel`.", **BINARY},
        206: {"description": "The requested range of the file.", **BINARY},
        304: {"description": "The client already has the file."},
        **responses(404, "ambiguous-name", 416, 503),
    },
    dependencies=[requires("read")],
)
def download_model_file(request: Request, record: ExistingModel, services: TheServices) -> Response:
    """Returns the `.mlmodel`, as uploaded or as built from a document, with its SHA-256 in `ETag` and `Repr-Digest`."""
    stem = safe_name(record.name or record.id, record.id)
    headers = {"content-disposition": attachment(f"{stem.removesuffix('.mlmodel')}.mlmodel")}
    return serve_blob(request, services.blobs, record.digest, record.bytes, headers)


@router.get(
    "/models/{model_id}/spec",
    response_class=Response,
    operation_id="getModelSpec",
    summary="Get a model as a document",
    responses={
        200: {
            "description": "The document.",
            "content": {"application/json": {"schema": schemas.model_document()}},
        },
        **responses(404, "ambiguous-name", 422, 503),
    },
    dependencies=[requires("read")],
)
async def get_model_spec(
    *,
    record: ExistingModel,
    tenant: Tenant,
    services: TheServices,
    form: Annotated[
        Form,
        Query(
            description="`pippin` is the spec language, without weights; `swiftcoremltools` is the format of that "
            "library, with weights."
        ),
    ] = "pippin",
) -> Response:
    """Returns a network as a document, to change it or to build it in Swift. Not every model has such a document."""

    def export() -> Response:
        with work_folder(services.settings) as folder:
            path = folder / "document.json"
            services.model_files.export(record.digest, form, path)
            return serve_file(path, "application/json")

    with _form_faults():
        return await services.workload.run(services.workload.exports, tenant, export)


@router.delete(
    "/models/{model_id}",
    status_code=204,
    operation_id="deleteModel",
    summary="Delete a model",
    response_description="The model is deleted.",
    responses=responses(404, "ambiguous-name", 503),
    dependencies=[requires("submit")],
)
def delete_model(model_id: ModelReference, tenant: Tenant, services: TheServices) -> None:
    """Deletes a model. Jobs that were submitted with it are not affected."""
    # The record is not read, so that an unreadable one can be deleted too.
    full_id = services.store.models.id_of(tenant, model_id)
    if full_id is None:
        raise not_found(f"model {model_id}")
    services.store.models.delete(tenant, full_id)


def _kind(request: Request) -> Kind:
    """The kind of the body by its Content-Type; a body that is neither JSON nor YAML must be the file of a model."""
    return "json" if is_json(request) else "yaml" if is_yaml(request) else "mlmodel"


@contextmanager
def _form_faults() -> Iterator[None]:
    """Report a model that cannot be written in a form as a fault of the parameter `form`."""
    try:
        yield
    except TaskRefused as error:
        details = [f"{fault.pointer}: {fault.detail}".removeprefix(": ") for fault in error.faults] or [str(error)]
        raise _form_problem(details) from error
    except SandboxError as error:
        if (fault := fault_of(error)) is None:
            raise
        raise _form_problem([fault.detail]) from error


def _form_problem(details: list[str]) -> Problem:
    return invalid_request(ErrorItem(parameter="form", detail=detail) for detail in details)

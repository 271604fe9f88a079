"""Datasets: upload, list, preview, count classes, delete."""

from math import prod
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.concurrency import contextmanager_in_threadpool
from pydantic import WithJsonSchema

from pippin.api.datasets import LISTED_LABELS, ClassBalance, ClassCount, DatasetPage, Manifest, Preview, StoredManifest
from pippin.api.pages import UnreadableEntry
from pippin.api.problems import ErrorItem
from pippin.datasets.errors import DatasetError, DatasetTooLargeError
from pippin.datasets.options import DatasetOptions
from pippin.datasets.picture_decoding import BACKGROUND_PATTERN
from pippin.errors import Fault
from service.datasets.preview import class_counts
from service.http import schemas, uploads
from service.http.parameters import AfterDataset, DatasetReference, NewName
from service.http.responses import json_with_etag
from service.http.route_classes import JsonRoute, UploadRoute, query_faults
from service.http.uploads import until_disconnected
from service.problems import Problem, invalid, invalid_request, not_found, responses
from service.security.access import requires
from service.services import Caller, RequiresSpace, Tenant, TheServices
from service.work_folders import work_folder

router = APIRouter(tags=["datasets"], route_class=JsonRoute)


class _DatasetRoute(UploadRoute):
    """The route of uploads, whose query options `DatasetOptions` checks."""

    def value_faults(self, request: Request) -> list[ErrorItem]:
        """The faults of the parameters, those of the options included."""
        parameters = {name: text for name, text in request.query_params.items() if name in DatasetOptions.model_fields}
        try:
            DatasetOptions.from_query(parameters)
        except DatasetError as error:
            return [*super().value_faults(request), *_items(error)]
        return super().value_faults(request)


upload_router = APIRouter(tags=["datasets"], route_class=_DatasetRoute)

_MAX_CLASSES = 1000
_SHOWN = 5

_FILES = {
    "multipart/form-data": {
        "schema": schemas.form({"type": "array", "minItems": 1, "items": {"type": "string", "format": "binary"}})
    },
    "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
}


# Described in OpenAPI as they are written in a query. `DatasetOptions` checks them, with more detailed messages.
_GROUP = "[^:;]+(?::(?:[^,;]+(?:,[^,;]+)*)?)?"
_Format = Annotated[str, WithJsonSchema({"type": "string", "enum": ["idx", "csv", "npz", "images"]})]
_Scale = Annotated[str, WithJsonSchema({"type": "number", "exclusiveMinimum": 0})]
_Target = Annotated[str, WithJsonSchema({"type": "string", "pattern": f"^{_GROUP}$"})]
_Inputs = Annotated[str, WithJsonSchema({"type": "string", "pattern": f"^{_GROUP}(?:;{_GROUP})*$"})]
_Shape = Annotated[str, WithJsonSchema({"type": "string", "pattern": "^[1-9][0-9]*(?:,[1-9][0-9]*){0,4}$"})]
_Header = Annotated[str, WithJsonSchema({"type": "boolean"})]
_Color = Annotated[str, WithJsonSchema({"type": "string", "enum": ["gray", "rgb"]})]
_Background = Annotated[str, WithJsonSchema({"type": "string", "pattern": BACKGROUND_PATTERN})]


def _described(option: str) -> Any:  # noqa: ANN401 (FastAPI's return type)
    return Query(description=DatasetOptions.model_fields[option].description)


async def _options(
    *,
    request: Request,
    format: Annotated[_Format | None, _described("format")] = None,  # noqa: A002 (the contract's name)
    scale: Annotated[_Scale | None, _described("scale")] = None,
    target: Annotated[_Target | None, _described("target")] = None,
    inputs: Annotated[_Inputs | None, _described("inputs")] = None,
    shape: Annotated[_Shape | None, _described("shape")] = None,
    header: Annotated[_Header | None, _described("header")] = None,
    color: Annotated[_Color | None, _described("color")] = None,
    background: Annotated[_Background | None, _described("background")] = None,
) -> DatasetOptions:
    values = {name: value for name, value in locals().items() if value is not None and name != "request"}
    try:
        return DatasetOptions.from_query(values)
    except DatasetError as error:
        # With the faults of `name`, which FastAPI would check only after this dependency.
        raise invalid_request([*query_faults(request), *_items(error)]) from error


@upload_router.post(
    "/datasets",
    status_code=201,
    operation_id="addDataset",
    summary="Upload a dataset",
    response_description="The dataset is new; `Location` has its path.",
    responses={
        200: {"description": "The same upload with the same name already exists.", "model": Manifest},
        **responses(400, "name-taken", 413, 415, 422, "quota-exceeded", 503, 507, "tenant-full"),
    },
    openapi_extra={"requestBody": {"required": True, "content": _FILES}},
    dependencies=[requires("submit"), RequiresSpace],
)
async def upload_dataset(
    *,
    request: Request,
    response: Response,
    tenant: Tenant,
    caller: Caller,
    services: TheServices,
    name: Annotated[
        NewName, Query(min_length=1, max_length=200, description="Name of the dataset, unique in the tenant.")
    ],
    options: Annotated[DatasetOptions, Depends(_options)],
) -> Manifest:
    """Stores the files of a dataset, sent as `multipart/form-data`, or one file as the body. Faults have a position."""
    async with contextmanager_in_threadpool(work_folder(services.settings)) as folder:
        try:
            upload = await uploads.receive(request, folder, services.settings.max_dataset_bytes)
            async with until_disconnected(request) as cancellation:
                manifest, is_new = await services.workload.read(
                    tenant,
                    upload.bytes,
                    lambda seconds: services.ingestion.ingest(
                        upload,
                        options,
                        name=name,
                        tenant=tenant,
                        folder=folder,
                        cancellation=cancellation,
                        quota=caller.byte_quota,
                        seconds=seconds,
                    ),
                )
        except DatasetError as error:
            raise _refused(error) from error
    response.status_code = 201 if is_new else 200
    response.headers["location"] = f"/datasets/{manifest.id}"
    return manifest.shown()


@router.get(
    "/datasets",
    operation_id="listDatasets",
    summary="List datasets",
    response_description="A page of datasets.",
    responses=responses(422, 503),
    dependencies=[requires("read")],
)
def list_datasets(
    *,
    tenant: Tenant,
    services: TheServices,
    after: AfterDataset = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> DatasetPage:
    """Lists the datasets, newest first."""
    page = services.store.datasets.page(tenant, after=after, limit=limit, max_bytes=services.settings.max_page_bytes)
    services.meters.page_created(page, limit, "datasets")
    return DatasetPage(
        data=[manifest.shown(LISTED_LABELS) for manifest in page.items],
        has_more=page.has_more,
        next=page.next,
        unreadable=[UnreadableEntry(id=each.id, detail=each.detail) for each in page.unreadable],
    )


def _existing(dataset_id: DatasetReference, tenant: Tenant, services: TheServices) -> StoredManifest:
    manifest = services.store.datasets.get(tenant, dataset_id)
    if manifest is None:
        raise not_found(f"dataset {dataset_id}")
    return manifest


ExistingDataset = Annotated[StoredManifest, Depends(_existing)]


@router.get(
    "/datasets/{dataset_id}",
    response_model=Manifest,
    operation_id="getDataset",
    summary="Get a dataset",
    response_description="The dataset's manifest.",
    responses={304: {"description": "The dataset has not changed."}, **responses(404, "ambiguous-name", 503)},
    dependencies=[requires("read")],
)
def get_dataset(request: Request, manifest: ExistingDataset) -> Response:
    """Returns the manifest of a dataset, found by its id or name."""
    return json_with_etag(request, manifest.shown())


@router.get(
    "/datasets/{dataset_id}/preview",
    response_model=Preview,
    operation_id="previewDataset",
    summary="Get some examples",
    response_description="The examples.",
    responses=responses(404, "ambiguous-name", 422, 503),
    dependencies=[requires("read")],
)
async def preview_dataset(
    *,
    manifest: ExistingDataset,
    tenant: Tenant,
    services: TheServices,
    split: Annotated[str | None, Query(description="Default: the first split.")] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 10,
    at: Annotated[
        list[int] | None,
        Query(max_length=100, description="Instead of the first rows: these rows of the split, from 0, in this order."),
    ] = None,
) -> Response:
    """Returns the first examples of a split, or the rows in `at`, such as an evaluation's worst, as they are stored."""
    chosen = split or manifest.splits[0].name

    def show() -> bytes:
        return (
            services.previews.first(manifest, chosen, limit)
            if at is None
            else services.previews.chosen(manifest, chosen, at)
        )

    content = await services.workload.run(services.workload.previews, tenant, show)
    return Response(content, media_type="application/json")


@router.get(
    "/datasets/{dataset_id}/classes",
    operation_id="countClasses",
    summary="Count the classes",
    response_description="Number of examples per class.",
    responses=responses(404, "ambiguous-name", 422, 503),
    dependencies=[requires("read")],
)
def count_classes(manifest: ExistingDataset, services: TheServices) -> ClassBalance:
    """Counts the examples of each class. The dataset's last feature must be a class number, not a quantity."""
    target = manifest.features[-1]
    if target.dtype == "float32" or prod(target.shape) != 1:
        detail = f"the dataset's last feature, {target.name!r}, is not a class number, so there are no classes to count"
        raise invalid([Fault("", detail)])
    counts = class_counts(manifest, target, services.blobs, _MAX_CLASSES)
    if counts is None:
        detail = f"{target.name!r} takes more than {_MAX_CLASSES:,} values; needs fewer to be counted as classes"
        raise invalid([Fault("", detail)])
    names = dict(enumerate(manifest.labels or []))
    return ClassBalance(
        dataset=manifest.id,
        feature=target.name,
        splits={
            split: [ClassCount(label=names.get(number, number), examples=of) for number, of in sorted(labels.items())]
            for split, labels in counts.items()
        },
    )


@router.delete(
    "/datasets/{dataset_id}",
    status_code=204,
    operation_id="deleteDataset",
    summary="Delete a dataset",
    response_description="The dataset is deleted.",
    responses=responses(404, 409, "ambiguous-name", 503),
    dependencies=[requires("submit")],
)
def delete_dataset(dataset_id: DatasetReference, tenant: Tenant, services: TheServices) -> None:
    """Deletes a dataset. While jobs that use it have not ended, the answer is 409 with their ids."""
    # The record is not read, so that an unreadable one can be deleted too.
    full_id = services.store.datasets.id_of(tenant, dataset_id)
    if full_id is None:
        raise not_found(f"dataset {dataset_id}")
    if users := services.store.references.users_of(tenant, full_id):
        shown = ", ".join(users[:_SHOWN]) + (f" and {len(users) - _SHOWN:,} more" if len(users) > _SHOWN else "")
        raise Problem("state-conflict", f"{full_id} is used by {shown}; cancel these jobs or wait for their end.")
    services.store.datasets.delete(tenant, full_id)


def _refused(error: DatasetError) -> Problem:
    """The problem for a refused upload. A faulty option is a query parameter; any other fault is in the body."""
    if isinstance(error, DatasetTooLargeError):
        return Problem("body-too-large", f"{error}.")
    return invalid_request(_items(error))


def _items(error: DatasetError) -> list[ErrorItem]:
    return [
        ErrorItem(parameter=fault.pointer[1:], detail=fault.detail)
        if fault.pointer
        else ErrorItem(pointer="", detail=fault.detail)
        for fault in error.faults
    ]

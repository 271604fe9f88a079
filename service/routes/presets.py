"""The models that come with Pippin: list them, and download them as documents and as files."""

import json
from typing import Annotated

from fastapi import APIRouter, Depends, Response
from fastapi.concurrency import contextmanager_in_threadpool

from pippin.api.models import PresetList, PresetModel
from pippin.models.documents import read_document
from pippin.models.spec.presets import UnknownPresetError, preset, preset_names
from service.http.files import BINARY, attachment
from service.http.route_classes import JsonRoute
from service.problems import not_found, responses
from service.security.access import requires
from service.services import Tenant, TheServices
from service.work_folders import work_folder

router = APIRouter(tags=["models"], route_class=JsonRoute)

_SPEC = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/ModelSpec"}}}}


@router.get(
    "/presets",
    operation_id="listPresets",
    summary="List the presets",
    response_description="The packaged models.",
    dependencies=[requires("read")],
)
def list_presets() -> PresetList:
    """Lists the models that `{"preset": NAME}` of a job may name, with their layers and the choices of a job."""
    presets = [PresetModel(name=name, model=read_document(preset(name)).summary()) for name in preset_names()]
    return PresetList(data=presets)


def _existing(name: str) -> bytes:
    try:
        return json.dumps(preset(name), indent=2).encode()
    except UnknownPresetError as error:
        raise not_found(f"preset {name}; the presets are {', '.join(preset_names())}") from error


ExistingPreset = Annotated[bytes, Depends(_existing)]


@router.get(
    "/presets/{name}/spec",
    response_class=Response,
    operation_id="getPresetSpec",
    summary="Get a preset as a document",
    responses={200: {"description": "The document.", **_SPEC}, **responses(404)},
    dependencies=[requires("read")],
)
def get_preset_spec(document: ExistingPreset) -> Response:
    """Returns the preset in the spec language, to change it."""
    return Response(document, media_type="application/json")


@router.get(
    "/presets/{name}/file",
    response_class=Response,
    operation_id="downloadPresetFile",
    summary="Download a preset",
    responses={200: {"description": "The `.mlmodel`.", **BINARY}, **responses(404, 503)},
    dependencies=[requires("read")],
)
async def download_preset(
    *,
    name: str,
    document: ExistingPreset,
    tenant: Tenant,
    services: TheServices,
) -> Response:
    """Returns the preset as a newly built `.mlmodel`, with the initial weights that its seed determines."""
    async with contextmanager_in_threadpool(work_folder(services.settings)) as folder:

        def build() -> bytes:
            source, built = folder / "spec.json", folder / "built.mlmodel"
            source.write_bytes(document)
            services.model_files.build(source, "json", built)
            return built.read_bytes()

        data = await services.workload.run(services.workload.exports, tenant, build)
    headers = {"content-disposition": attachment(f"{name}.mlmodel")}
    return Response(data, media_type="application/octet-stream", headers=headers)

"""Files by their digest, for workers that share no file system with the service."""

import re
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response
from fastapi.concurrency import contextmanager_in_threadpool
from starlette.concurrency import run_in_threadpool

from pippin.api.problems import ErrorItem
from service.http.files import BINARY, serve_blob
from service.http.route_classes import UploadRoute
from service.http.uploads import spooled
from service.problems import invalid_request, not_found, responses
from service.security.access import requires
from service.services import TheServices
from service.work_folders import work_folder

router = APIRouter(tags=["blobs"], route_class=UploadRoute)

_HEX = re.compile(r"[0-9a-f]{64}")


async def _digest(sha256: Annotated[str, Path(description="64 hex digits in lower case.")]) -> str:
    if not _HEX.fullmatch(sha256):
        raise not_found(f"blob {sha256[:80]}; a name is the SHA-256 in 64 lower-case hex digits")
    return sha256


Digest = Annotated[str, Depends(_digest)]


@router.head("/blobs/{sha256}", include_in_schema=False, dependencies=[requires("worker")])
@router.get(
    "/blobs/{sha256}",
    response_class=Response,
    operation_id="getBlob",
    summary="Read a blob",
    responses={
        200: {"description": "The blob's content.", **BINARY},
        206: {"description": "The requested range.", **BINARY},
        **responses(404, 416, 503),
    },
    dependencies=[requires("worker")],
)
def get_blob(request: Request, sha256: Digest, services: TheServices) -> Response:
    """Returns the file whose content has this SHA-256."""
    size = services.blobs.head(sha256)
    if size is None:
        raise not_found(f"blob {sha256}")
    return serve_blob(request, services.blobs, f"sha256:{sha256}", size, {})


@router.put(
    "/blobs/{sha256}",
    status_code=204,
    operation_id="putBlob",
    summary="Store a blob",
    response_description="The blob is stored, now or since an earlier request.",
    responses=responses(404, 413, 422, 503, 507),
    openapi_extra={"requestBody": {"required": True, **BINARY}},
    dependencies=[requires("worker")],
)
async def put_blob(request: Request, sha256: Digest, services: TheServices) -> None:
    """Stores a file under the SHA-256 of its content. A file with another SHA-256 is refused with 422."""
    async with contextmanager_in_threadpool(work_folder(services.settings)) as folder:
        file = await spooled(request, folder / "0", services.settings.max_dataset_bytes)
        if file.digest != f"sha256:{sha256}":
            detail = f"the body has the SHA-256 {file.digest.removeprefix('sha256:')}, not the one in the address"
            raise invalid_request([ErrorItem(pointer="", detail=detail)])
        await run_in_threadpool(services.blobs.put_file, file.path)

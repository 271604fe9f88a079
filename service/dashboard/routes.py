"""The dashboard's page and files. Third-party scripts come from installed wheels, none from another host."""

import hashlib
import os
from functools import cache
from importlib.resources import files
from pathlib import Path

from fastapi import APIRouter
from starlette.responses import HTMLResponse, Response
from starlette.types import Scope

from service.dashboard import netron
from service.security.access import PUBLIC, PublicFiles
from service.security.browsers import NO_NEW_WINDOWS

router = APIRouter(include_in_schema=False)
router.include_router(netron.router)

_APP = Path(str(files("service.dashboard"))) / "app"


def _version() -> str:
    """A digest of all of the dashboard's files."""
    digest = hashlib.sha256()
    for path in sorted(path for path in _APP.rglob("*") if path.is_file()):
        digest.update(path.relative_to(_APP).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


class _VersionedFiles(PublicFiles):
    """Files under a path that changes with their contents, so that browsers may keep them for ever."""

    def file_response(
        self, full_path: str | os.PathLike[str], stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        """The file, with permission to keep it for a year (RFC 8246)."""
        response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers["cache-control"] = "public, max-age=31536000, immutable"
        return response


# A page never mixes modules of two versions: its own are under the path of its version.
ASSETS_PATH = f"/dashboard/{_version()}"
assets = _VersionedFiles(directory=_APP)

# Models and digits are shown from blobs and data.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; font-src 'self'; frame-src 'self'; form-action 'none'; base-uri 'none'; "
    f"frame-ancestors 'none'; {NO_NEW_WINDOWS}"
)


@cache
def _page() -> str:
    text = (_APP / "index.html").read_text(encoding="utf-8")
    # Relative, so that a proxy may serve the dashboard under a prefix.
    return text.replace("{assets}", ASSETS_PATH.removeprefix("/"))


@router.get("/", dependencies=[PUBLIC])
def home() -> Response:
    """The only page; the fragment of its URL selects the view."""
    return HTMLResponse(_page(), headers={"content-security-policy": POLICY, "cache-control": "no-cache"})

"""The dashboard's page and files. Third-party scripts come from installed wheels, none from another host."""

from importlib.resources import files
from pathlib import Path

from fastapi import APIRouter
from starlette.responses import FileResponse, HTMLResponse, Response

from service.dashboard import netron
from service.security.access import PUBLIC, PublicFiles
from service.security.browsers import NO_NEW_WINDOWS

router = APIRouter(include_in_schema=False)
router.include_router(netron.router)

_APP = Path(str(files("service.dashboard"))) / "app"

assets = PublicFiles(directory=_APP)
_CHARTS = Path(str(files("plotly"))) / "package_data" / "plotly.min.js"

# plotly.js writes style attributes and one style element of its own; models and digits are shown from blobs and data.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "connect-src 'self'; font-src 'self'; frame-src 'self'; form-action 'none'; base-uri 'none'; "
    f"frame-ancestors 'none'; {NO_NEW_WINDOWS}"
)


@router.get("/", dependencies=[PUBLIC])
def home() -> Response:
    """The only page; the fragment of its URL selects the view."""
    page = (_APP / "index.html").read_text(encoding="utf-8")
    return HTMLResponse(page, headers={"content-security-policy": POLICY, "cache-control": "no-cache"})


@router.get("/dashboard/charts/plotly.min.js", dependencies=[PUBLIC])
def charts() -> Response:
    """The script that draws charts; the page loads it for its first chart."""
    return FileResponse(_CHARTS, media_type="text/javascript", headers={"cache-control": "max-age=86400"})

"""Netron, which draws a model's graph, served from its wheel and without connections to other hosts.

Its page as shipped (9.3.3) requests the reader's location from ipinfo.io, reports to an analytics service, and after
180 days shows only a demand to update. It does the last two for a released version with a date, and the first without
consent. So it is configured as version 0.0.0 without a date, with consent given.
"""

import re
from importlib.resources import files
from pathlib import Path

from fastapi import APIRouter
from starlette.responses import FileResponse, HTMLResponse, Response

from service.problems import not_found
from service.security.access import PUBLIC
from service.security.browsers import NO_NEW_WINDOWS

router = APIRouter(include_in_schema=False)

_WHEEL = Path(str(files("netron")))
_PARTS = frozenset(path.name for path in _WHEEL.iterdir() if path.suffix in {".js", ".css", ".json", ".png", ".ico"})

# Netron sets style attributes on its drawings, and parses models in a web worker.
_POLICY = (
    "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; connect-src 'self' data: blob:; font-src 'self' data:; form-action 'none'; "
    f"base-uri 'none'; frame-ancestors 'self'; {NO_NEW_WINDOWS}"
)
_CACHE_BUSTER = "url = `${url}${separator}cb=${new Date().getTime()}`;"
_META = re.compile(r'<meta (?:http-equiv="Content-Security-Policy"|name="(?:version|date)")[^>]*>\n?')
_FOREIGN = re.compile(r' href="https?://[^"]*"')
_HEADERS = {"content-security-policy": _POLICY, "x-frame-options": "SAMEORIGIN", "cache-control": "no-cache"}


def rewritten(page: str) -> str:
    """Netron's page as version 0.0.0 without a date or a link to another host.

    Its own policy is removed: the policy in the header is stricter.
    """
    return _FOREIGN.sub("", _META.sub("", page)).replace("<head>", '<head>\n<meta name="version" content="0.0.0">', 1)


def without_cache_buster(script: str) -> str:
    """Netron's `browser.js`, changed to request a model at its exact URL, without an added query parameter.

    Raises:
        ValueError: The script of this version of Netron differs.
    """
    if _CACHE_BUSTER not in script:
        raise ValueError("Netron's browser.js does not add a parameter the way that Pippin knows; needs netron 9.3")
    return script.replace(_CACHE_BUSTER, "")


@router.get("/netron/", dependencies=[PUBLIC])
def page() -> Response:
    """Netron's page. `?url=` is the relative URL of the model's file, and `&identifier=` its name."""
    shown = HTMLResponse(rewritten((_WHEEL / "index.html").read_text(encoding="utf-8")), headers=_HEADERS)
    # Without a path the cookie applies to the page's own folder, under any prefix that a proxy adds.
    shown.set_cookie("consent", "1", path=None, samesite="strict")
    return shown


@router.get("/netron/browser.js", dependencies=[PUBLIC])
def browser() -> Response:
    """The script that fetches models."""
    script = without_cache_buster((_WHEEL / "browser.js").read_text(encoding="utf-8"))
    return Response(script, media_type="text/javascript", headers=_HEADERS)


@router.get("/netron/{name}", dependencies=[PUBLIC])
def part(name: str) -> Response:
    """A script, style, picture or JSON file of Netron."""
    if name not in _PARTS:
        raise not_found(f"/netron/{name}")
    return FileResponse(_WHEEL / name, headers=_HEADERS | {"cache-control": "max-age=86400"})

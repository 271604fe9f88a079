"""The interactive API page, all of whose files come from this host, and the meaning of the problem types."""

from importlib.resources import files
from pathlib import Path

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from service.problems import KINDS, not_found
from service.security.access import PUBLIC, PublicFiles
from service.security.browsers import HTML_POLICY

router = APIRouter(include_in_schema=False)

# The wheel contains the page's script and style. Its own page has an inline script, which the policy refuses.
assets = PublicFiles(directory=Path(str(files("fastapi_offline"))) / "static")

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Pippin API</title>
<link rel="stylesheet" href="docs/assets/swagger-ui.css">
<link rel="icon" href="data:,">
</head>
<body>
<div id="page"></div>
<script src="docs/assets/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
"""
_START = 'SwaggerUIBundle({url: "openapi.json", dom_id: "#page", deepLinking: true, validatorUrl: null});\n'


@router.api_route("/openapi.json", methods=["GET", "HEAD"], dependencies=[PUBLIC])
def get_openapi(request: Request) -> Response:
    """The OpenAPI document of the service."""
    return JSONResponse(request.app.openapi())


@router.get("/docs", dependencies=[PUBLIC])
def show_docs() -> Response:
    """The interactive API page."""
    return HTMLResponse(_PAGE, headers={"content-security-policy": HTML_POLICY})


@router.get("/docs/start.js", dependencies=[PUBLIC])
def get_docs_script() -> Response:
    """The script that starts the page."""
    return Response(_START, media_type="text/javascript")


@router.get("/problems/{kind}", dependencies=[PUBLIC])
def explain_problem(kind: str) -> Response:
    """The title and status of the problem type to which a problem's `type` leads."""
    if kind not in KINDS:
        raise not_found(f"problem {kind}; the problems are {', '.join(KINDS)}")
    return Response(f"{KINDS[kind].title} (HTTP {KINDS[kind].status})\n", media_type="text/plain")

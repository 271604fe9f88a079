"""The declared role decides, whatever the path looks like, and before the body is read."""

import socket
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import httpx2
import pytest
from fastapi import APIRouter, FastAPI, WebSocket
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from service.security.access import PUBLIC, Access, Operations, UndeclaredAccessError, requires
from tests.service.security.conftest import AddToken, bearer

# Last parts of operations' paths; each may be the name of a dataset or model.
NAMES = ["predict", "session", "blobs", "validate"]


def status_of(http: httpx2.Client, head: str, headers: dict[str, str]) -> int:
    """The status of the response to a request whose head is sent verbatim, without a body."""
    lines = [f"{head} HTTP/1.1", "Host: localhost", "Connection: close", *map(": ".join, headers.items())]
    with socket.create_connection(("127.0.0.1", http.base_url.port), timeout=60) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        return int(connection.makefile("rb").readline().split()[1])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", ["datasets", "models"])
def test_read_token_cannot_delete_objects_named_like_endpoints(
    *, http: httpx2.Client, add_token: AddToken, tiny_npz: bytes, digits: bytes, name: str, kind: str
) -> None:
    submit, read = bearer(add_token("submit")), bearer(add_token("read"))
    content = tiny_npz if kind == "datasets" else digits
    created = http.post(f"/{kind}", params={"name": name}, content=content, headers=submit)
    assert created.status_code == 201, created.text
    identifier = created.json()["id"]
    encoded = "".join(f"%{byte:02X}" for byte in name.encode())
    for path in (name, encoded, f"{name}/", f"{name}/file", identifier):
        for method in ("DELETE", "PUT", "POST", "PATCH"):
            status = status_of(http, f"{method} /{kind}/{path}", {**read, "Content-Length": "0"})
            assert status in {403, 404, 405}, (method, path, status)
    for path in (f"//{kind}/{name}", f"/{kind}//{name}", f"/./{kind}/{name}", f"/x/../{kind}/{name}"):
        assert status_of(http, f"DELETE {path}", read) in {403, 404, 405}
    assert http.delete(f"/{kind}/{identifier}", headers=read).status_code == 403
    assert http.delete(f"/{kind}/{identifier}", headers=submit).status_code == 204


@pytest.mark.parametrize("head", ["POST /datasets?name=x", "POST /models", "PUT /blobs/" + "0" * 64, "POST /jobs"])
def test_upload_is_refused_before_its_body_is_sent(http: httpx2.Client, add_token: AddToken, head: str) -> None:
    read = bearer(add_token("read"))
    announced = {"Content-Length": str(2 * 2**30), "Content-Type": "application/octet-stream"}
    # No byte of the body follows: a service that waited for one would not answer.
    assert status_of(http, head, announced | read) == 403
    assert status_of(http, head, announced) == 401
    assert status_of(http, head, {"Transfer-Encoding": "chunked"} | read) == 403


def _endpoint() -> Response:
    return Response()


async def _websocket(websocket: WebSocket) -> None:
    await websocket.accept()


def _undeclared(app: FastAPI) -> None:
    app.add_api_route("/x", _endpoint)


def _declared_twice(app: FastAPI) -> None:
    router = APIRouter(dependencies=[PUBLIC])
    router.add_api_route("/x", _endpoint, dependencies=[requires("read")])
    app.include_router(router)


def _included(app: FastAPI) -> None:
    inner, outer = APIRouter(), APIRouter()
    inner.add_api_route("/x", _endpoint)
    outer.include_router(inner)
    app.include_router(outer, prefix="/y")


def _plain_route(app: FastAPI) -> None:
    app.add_route("/x", lambda _: Response())


def _websocket_route(app: FastAPI) -> None:
    app.add_api_websocket_route("/x", _websocket)


def _mounted(app: FastAPI) -> None:
    app.mount("/x", StaticFiles(directory="."))


@pytest.mark.parametrize(
    "add",
    [_undeclared, _declared_twice, _included, _plain_route, _websocket_route, _mounted],
    ids=lambda add: add.__name__,
)
def test_route_without_a_declared_role_prevents_startup(add: Callable[[FastAPI], None]) -> None:
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.add_api_route("/declared", _endpoint, dependencies=[PUBLIC])
    Operations(app.routes)
    add(app)
    with pytest.raises(UndeclaredAccessError, match=r"/x|dependencies"):
        Operations(app.routes)


async def test_access_checked_for_another_role_is_refused() -> None:
    request: Any = SimpleNamespace(state=SimpleNamespace(access=Access("read")))
    await Access("read")(request)
    with pytest.raises(RuntimeError, match="submit"):
        await Access("submit")(request)

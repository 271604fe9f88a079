"""The declared role decides, whatever the path looks like, and before the body is read."""

import socket
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import httpx2
import pytest
from fastapi import APIRouter, FastAPI, WebSocket
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from pippin.api.tokens import Role, issue
from pippin.store import Store
from service.security.access import PUBLIC, Access, Operations, UndeclaredAccessError, requires

Http: TypeAlias = httpx2.Client
# Last parts of operations' paths; each may be the name of a dataset or model.
NAMES = ["predict", "session", "blobs", "validate"]


@pytest.fixture
def make_token(store: Store) -> Callable[[Role], dict[str, str]]:
    """Creates valid tokens, as headers."""

    def make(role: Role) -> dict[str, str]:
        token = issue(role, None)
        store.tokens.add(token)
        return {"authorization": f"Bearer {token.text}"}

    return make


def raw(http: Http, head: str, headers: dict[str, str]) -> bytes:
    """The status line of the response to a request whose head is sent verbatim, without a body."""
    url = urlsplit(str(http.base_url))
    assert url.hostname
    assert url.port
    lines = [head, f"Host: {url.netloc}", "Connection: close", *(f"{name}: {text}" for name, text in headers.items())]
    with socket.create_connection((url.hostname, url.port), timeout=60) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        return connection.makefile("rb").readline()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", ["datasets", "models"])
def test_read_token_cannot_delete_objects_named_like_endpoints(
    *, http: Http, make_token: Callable[[Role], dict[str, str]], tiny_npz: bytes, digits: bytes, name: str, kind: str
) -> None:
    submit, read = make_token("submit"), make_token("read")
    content = tiny_npz if kind == "datasets" else digits
    created = http.post(f"/{kind}", params={"name": name}, content=content, headers=submit)
    assert created.status_code == 201, created.text
    encoded = "".join(f"%{byte:02X}" for byte in name.encode())
    for path in (name, encoded, name.replace("/", "%2F"), f"{name}/", f"{name}/file", created.json()["id"]):
        for method in ("DELETE", "PUT", "POST", "PATCH"):
            status = raw(http, f"{method} /{kind}/{path} HTTP/1.1", {**read, "Content-Length": "0"}).split()[1]
            assert status in {b"403", b"404", b"405"}, (method, path, status)
    for path in (f"//{kind}/{name}", f"/{kind}//{name}", f"/./{kind}/{name}", f"/x/../{kind}/{name}"):
        assert raw(http, f"DELETE {path} HTTP/1.1", read).split()[1] in {b"403", b"404", b"405"}
    assert http.delete(f"/{kind}/{created.json()['id']}", headers=read).status_code == 403
    assert http.delete(f"/{kind}/{created.json()['id']}", headers=submit).status_code == 204


@pytest.mark.parametrize("head", ["POST /datasets?name=x", "POST /models", "PUT /blobs/" + "0" * 64, "POST /jobs"])
def test_upload_is_refused_before_its_body_is_sent(
    http: Http, make_token: Callable[[Role], dict[str, str]], head: str
) -> None:
    read = make_token("read")
    announced = {"Content-Length": str(2 * 2**30), "Content-Type": "application/octet-stream"}
    # No byte of the body follows: a service that waited for one would not answer.
    assert raw(http, f"{head} HTTP/1.1", announced | read).split()[1] == b"403"
    assert raw(http, f"{head} HTTP/1.1", announced).split()[1] == b"401"
    assert raw(http, f"{head} HTTP/1.1", {"Transfer-Encoding": "chunked"} | read).split()[1] == b"403"


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

"""A request in progress ends when its token is revoked or its session ends; other requests continue."""

import itertools
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass

import httpx2
import pytest

from pippin.api.tokens import issue, secret_hash
from pippin.blobs import Blobs
from pippin.client import Client, ServiceError
from pippin.settings import Settings
from pippin.store import Store, StoreUnavailable, connect, keys
from pippin.store.token_requirement import TokenRequirement
from service.security.access import Principal
from service.security.open_requests import OpenRequests
from service.telemetry.meters import Meters
from tests.service.conftest import RunningService
from tests.service.security.conftest import AddToken, bearer
from tests.support.waiting import DEADLINE, wait_for

LARGE = bytes(64 * 2**20)


@dataclass
class Reading:
    """Reads a response to its end in a separate thread."""

    http: httpx2.Client
    method: str
    path: str
    headers: dict[str, str]
    content: Iterator[bytes] | None = None
    paused: threading.Event | None = None
    status: int = 0
    text: bytes = b""
    error: Exception | None = None

    def __post_init__(self) -> None:
        self.thread = threading.Thread(target=self._read)
        self.thread.start()

    def _read(self) -> None:
        try:
            with self.http.stream(self.method, self.path, headers=self.headers, content=self.content) as answer:
                self.status = answer.status_code
                for chunk in answer.iter_bytes(65536):
                    self.text = (self.text + chunk)[-(2**20) :]
                    if self.paused is not None:
                        self.paused.wait(DEADLINE)
        except httpx2.HTTPError as error:
            self.error = error

    def end(self) -> None:
        self.thread.join(DEADLINE)
        assert not self.thread.is_alive(), "the request did not end"


Read = Callable[..., Reading]
Follow = Callable[..., Reading]


@pytest.fixture
def read(http: httpx2.Client) -> Iterator[Read]:
    """Starts readings, which end with the test."""
    started: list[Reading] = []

    def start(
        path: str,
        headers: dict[str, str],
        method: str = "GET",
        *,
        content: Iterator[bytes] | None = None,
        paused: threading.Event | None = None,
    ) -> Reading:
        started.append(Reading(http, method, path, headers, content, paused))
        return started[-1]

    yield start
    for each in started:
        if each.paused is not None:
            each.paused.set()
        # A stream that still follows a job ends with its token.
        each.end()


@pytest.fixture
def follow(service: RunningService, submitted: Callable[..., str], read: Read) -> Follow:
    """Follows the events of a queued job, whose streams stay open, with these headers; the stream is open already."""
    job, opened = submitted(), itertools.count(1)

    def start(headers: dict[str, str], path: str = "events", accept: str = "text/event-stream") -> Reading:
        reading = read(f"/jobs/{job}/{path}", {"accept": accept} | headers)
        number = next(opened)
        wait_for(lambda: service.followers == number, "the stream is open")
        return reading

    return start


@pytest.fixture
def revocations(service: RunningService) -> Callable[[], float]:
    """The number of requests that were ended by revocation."""
    return lambda: service.figure("pippin_revoked_requests_total")


def test_revoked_token_ends_its_stream_with_a_revoked_event(
    *,
    http: httpx2.Client,
    service: RunningService,
    store: Store,
    add_token: AddToken,
    follow: Follow,
    revocations: Callable[[], float],
) -> None:
    revoked, other = add_token("read"), add_token("read")
    before = revocations()
    stream, others = follow(bearer(revoked)), follow(bearer(other))
    store.tokens.revoke(revoked.record.id)
    stream.end()
    assert (stream.status, stream.error) == (200, None)
    assert stream.text.endswith(b"\r\n\r\n")
    assert b"event: revoked\r\ndata: {" in stream.text
    assert http.get(stream.path, headers=stream.headers).status_code == 401
    assert revocations() == before + 1
    assert others.thread.is_alive()
    assert service.followers == 1
    store.tokens.revoke(other.record.id)
    others.end()


@pytest.mark.parametrize("form", ["application/x-ndjson", "text/csv"])
def test_revoked_token_cuts_off_ndjson_and_csv_streams(
    service: RunningService, store: Store, add_token: AddToken, follow: Follow, form: str
) -> None:
    token = add_token("read")
    stream = follow(bearer(token), "metrics?follow=true", form)
    store.tokens.revoke(token.record.id)
    stream.end()
    assert isinstance(stream.error, httpx2.RemoteProtocolError)
    wait_for(lambda: service.followers == 0, "the stream is closed")


@pytest.mark.parametrize("end", ["revoked", "signed out", "expired", "records lost"])
def test_stream_ends_with_its_session(
    http: httpx2.Client, store: Store, add_token: AddToken, follow: Follow, end: str
) -> None:
    token = add_token()
    session, other = (store.tokens.open_session(token.record) for _ in range(2))
    stream, others = (follow({"cookie": f"pippin_session={each}"}) for each in (session, other))
    match end:
        case "revoked":
            store.tokens.revoke(token.record.id)
        case "signed out":
            headers = {"cookie": f"pippin_session={session}", "origin": str(http.base_url).rstrip("/")}
            assert http.delete("/session", headers=headers).status_code == 204
        case "expired":
            store.redis.delete(keys.session(secret_hash(session)))
        case "records lost":
            store.redis.flushall()
    stream.end()
    # With the records the job is lost too, which may end its streams first.
    assert b"event: revoked" in stream.text or end == "records lost"
    if end in {"signed out", "expired"}:
        assert others.thread.is_alive()
        store.tokens.revoke(token.record.id)
    others.end()


def test_anonymous_stream_ends_when_tokens_are_required(add_token: AddToken, follow: Follow) -> None:
    stream = follow({})
    add_token("worker")
    add_token("read")
    stream.end()
    assert b"event: revoked" in stream.text


def test_slow_download_is_cut_off_on_revocation(
    store: Store, add_token: AddToken, read: Read, blobs: Blobs, revocations: Callable[[], float]
) -> None:
    digest = blobs.put_bytes(LARGE).removeprefix("sha256:")
    token = add_token("worker")
    before, paused = revocations(), threading.Event()
    download = read(f"/blobs/{digest}", bearer(token), paused=paused)
    wait_for(lambda: download.text, "the download has begun")
    store.tokens.revoke(token.record.id)
    # The client reads nothing meanwhile: the service does not wait for the client.
    wait_for(lambda: revocations() == before + 1, "the service has ended it")
    paused.set()
    download.end()
    assert isinstance(download.error, httpx2.HTTPError)


@pytest.mark.parametrize("path", ["/datasets?name=x", "/models?name=x", "/blobs/" + "0" * 64])
def test_upload_is_answered_401_on_revocation_and_leaves_no_file(
    service: RunningService, store: Store, add_token: AddToken, read: Read, path: str
) -> None:
    token = add_token("admin")
    sent, revoked = threading.Event(), threading.Event()

    def content() -> Iterator[bytes]:
        yield b"x" * 1000
        sent.set()
        revoked.wait(DEADLINE)
        yield b"x" * 1000

    method = "PUT" if "blobs" in path else "POST"
    type_ = {"content-type": "application/octet-stream"}
    upload = read(path, bearer(token) | type_, method, content=content())
    assert sent.wait(DEADLINE)
    wait_for(service.uploads, "the upload has begun")
    store.tokens.revoke(token.record.id)
    wait_for(lambda: not service.uploads(), "the upload was given up")
    revoked.set()
    upload.end()
    assert upload.status == 401 or upload.error is not None
    assert store.datasets.page("default", after=None, limit=1).items == ()


def test_client_raises_401_on_revocation(
    http: httpx2.Client, service: RunningService, store: Store, add_token: AddToken, submitted: Callable[..., str]
) -> None:
    token, job = add_token(), submitted()
    with Client(str(http.base_url), token=token.text) as client, ThreadPoolExecutor(1) as pool:
        following = pool.submit(lambda: list(client.events(job)))
        wait_for(lambda: service.followers == 1, "the client follows the job")
        store.tokens.revoke(token.record.id)
        with pytest.raises(ServiceError) as raised:
            following.result(DEADLINE)
    assert raised.value.status == 401


def test_many_open_requests_share_one_token_check(store: Store, add_token: AddToken, follow: Follow) -> None:
    tokens = [add_token("read") for _ in range(8)]
    for token in tokens * 2:
        follow(bearer(token))

    def calls(command: str) -> int:
        return int(store.redis.info("commandstats")[f"cmdstat_{command}"]["calls"])

    looks, began = calls("hmget"), calls("smembers")
    wait_for(lambda: calls("smembers") >= began + 3, "three checks")
    assert calls("hmget") - looks <= 5
    for token in tokens:
        store.tokens.revoke(token.record.id)


async def test_open_requests_continue_while_redis_is_unavailable(make_settings: Callable[..., Settings]) -> None:
    settings = make_settings()
    with closing(Store(connect("redis://127.0.0.1:1/0", retries=0))) as store:
        requests = OpenRequests(store, TokenRequirement(settings.home), Meters(), settings)
        with requests.opened(Principal(issue("read", None).record), "read") as request:
            with pytest.raises(StoreUnavailable):
                await requests.check()
            assert not request.revoked

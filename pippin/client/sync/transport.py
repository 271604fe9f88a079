# Written by `make client` from pippin/client/asynchronous: change it there.
"""Sends calls to the service over httpx2, and repeats those that got no response."""

import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TypeVar

import httpx2

from pippin.api.events import Event
from pippin.api.metrics import EpochMetrics, JobMetrics
from pippin.api.pages import Page
from pippin.client import calls, endpoints
from pippin.client.calls import Call, Pages
from pippin.client.downloading import Download
from pippin.client.streams import StreamFollower
from pippin.http import connection
from pippin.system.hosts import without_password
from pippin.system.retry import Backoff

T = TypeVar("T")


class Transport:
    """The connections to one service.

    Args:
        url: The service's address; None for the setting `PIPPIN_URL`.
        token: The token to send; None for the token in the file of the setting `PIPPIN_TOKEN_FILE`, "" for no token.
        patience: Seconds for which a call without a response is repeated.
        follow_patience: Seconds for which the client tries to resume a broken stream.
    """

    def __init__(self, url: str | None, token: str | None, patience: float, follow_patience: float) -> None:
        address = connection.service_url(url)
        self.url = without_password(address)
        self._patience = patience
        self._follow_patience = follow_patience
        self.http = httpx2.Client(**connection.options(address, connection.own_token(address, token)))

    def close(self) -> None:
        """Close the connections."""
        self.http.close()

    def send(self, call: Call[T]) -> T:
        """Send a call, and return its parsed response."""
        backoff = Backoff(seconds=self._patience)
        while True:
            failure = None
            try:
                with calls.request_for(call, self.http) as request:
                    response = self.http.send(request)
            except httpx2.TransportError as error:
                failure = error
            else:
                if response.status_code not in call.busy or backoff.exhausted:
                    return call.parse(calls.checked(response))
            time.sleep(calls.pause_after(failure, backoff, self.url, may_repeat=call.may_repeat))

    def download(self, path: str, params: Mapping[str, str], target: Path) -> Path:
        """Download `path` to a file, or into a folder; return the path of the file."""
        backoff = Backoff(seconds=self._patience)
        while True:
            try:
                with self.http.stream("GET", path, params=params) as response:
                    if response.status_code >= 400:
                        response.read()
                    with Download(target, calls.checked(response)) as download:
                        for chunk in response.iter_bytes():
                            download.write(chunk)
                        return download.finish()
            except httpx2.TransportError as error:
                time.sleep(calls.pause_after(error, backoff, self.url))

    def entries(self, fetch: Callable[[str | None, int], Call[Page[T]]], limit: int | None) -> Iterator[T]:
        """The entries of a list, fetched page by page; see `Pages`."""
        pages = Pages(fetch, limit)
        while (call := pages.next_call()) is not None:
            page = self.send(call)
            yield from pages.take(page)

    def follow(self, path: str, after: str) -> Iterator[Event]:
        """The events of the stream at `path` after the event id `after`, over as many connections as needed."""
        follower = StreamFollower(self.url, Backoff(seconds=self._follow_patience), after)
        while not follower.ended:
            failure: httpx2.TransportError | None = None
            try:
                with self.http.stream("GET", path, headers=follower.headers()) as response:
                    if response.status_code != 200:
                        response.read()
                    if follower.has_stream(response):
                        for chunk in response.iter_bytes():
                            yield from follower.feed(chunk)
                            if follower.ended:
                                return
            except httpx2.TransportError as error:
                failure = error
            if not follower.ended:
                time.sleep(follower.pause_after(failure))

    def epochs(self, job_id: str, after: str) -> Iterator[EpochMetrics]:
        """Each epoch of a job as it ends, after the event id `after`, until the job is final."""
        for event in self.follow(endpoints.job_path(job_id, "metrics"), after):
            if event.type == "epoch":
                yield endpoints.epoch(event)

    def metrics(self, job_id: str) -> JobMetrics:
        """All epochs that a job has finished."""
        page = self.send(endpoints.metrics(job_id, None))
        epochs = page.data
        while page.next:
            page = self.send(endpoints.metrics(job_id, page.next))
            epochs = [*epochs, *page.data]
        return page.model_copy(update={"data": epochs})

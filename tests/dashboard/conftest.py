"""A real browser with a real service and worker: the system's chromium, driven by playwright.

`page` fails its test on any error or warning in the browser's console, and on any request to another host.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, expect, sync_playwright

from tests.conftest import Up
from tests.support.waiting import wait_for

CHROMIUM = "/usr/bin/chromium"
DEADLINE = 90_000
"""The deadline in milliseconds for a page to show something; only to detect a hang."""

PHONE = {"width": 360, "height": 740}
# The fault of a page that shows a table of quantities: the service counts classes only.
NO_CLASSES = "status of 422"

OpenPage = Callable[..., Page]
CheckAccessibility = Callable[[Page], None]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser for one file's tests. Playwright keeps an event loop open, so it must not outlive them."""
    expect.set_options(timeout=DEADLINE)
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield launched
        launched.close()


@dataclass
class Faults:
    """Errors in a browser, except those that a test expects.

    Attributes:
        origins: The services that a page may send requests to.
        expected: Patterns of expected faults: `faults.expected.append("409")`.
    """

    origins: list[str]
    seen: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    def watch(self, context: BrowserContext) -> None:
        """Record the faults of every page of a context."""
        context.on("console", self._console)
        context.on("weberror", lambda error: self.seen.append(f"uncaught: {error.error}"))
        context.on("request", self._request)

    def unexpected(self) -> list[str]:
        return [fault for fault in self.seen if not any(re.search(pattern, fault) for pattern in self.expected)]

    def _console(self, message: ConsoleMessage) -> None:
        # Chromium warns of a sandbox escape for the page's own policy too, although the page is in no frame.
        # Netron's `javascript:` links are blocked by the policy.
        if "can escape its sandboxing" in message.text or "Running the JavaScript URL violates" in message.text:
            return
        if message.type in ("error", "warning"):
            self.seen.append(f"{message.type}: {message.text} ({message.location.get('url')})")

    def _request(self, request: Request) -> None:
        scheme, host = urlsplit(request.url)[:2]
        if scheme not in ("blob", "data") and f"{scheme}://{host}" not in self.origins:
            self.seen.append(f"request to another host: {request.url}")


@pytest.fixture
def faults(api: "Api") -> Faults:
    """The faults in the browser so far."""
    return Faults([api.url])


@pytest.fixture
def open_page(browser: Browser, faults: Faults) -> Iterator[OpenPage]:
    """Opens a separate browser window: `open_page(color_scheme="dark", viewport={…})`, by default of the service.

    At the end of the test, no window may have unexpected messages in its console.
    """
    contexts: list[BrowserContext] = []

    def open_one(url: str | None = None, **options: Any) -> Page:  # noqa: ANN401 (playwright's options)
        if url:
            faults.origins.append(url)
        context = browser.new_context(base_url=url or faults.origins[0], **options)
        context.set_default_timeout(DEADLINE)
        contexts.append(context)
        faults.watch(context)
        return context.new_page()

    yield open_one
    for context in contexts:
        context.close()
    assert faults.unexpected() == []


@pytest.fixture
def page(open_page: OpenPage) -> Page:
    """A window of 1280 by 900, in English, light. `page.goto("/#/jobs")` shows a page of the dashboard.

    Wait with functions, as in `page.wait_for_function("() => …")`: the page's policy forbids evaluating strings.
    """
    return open_page(viewport={"width": 1280, "height": 900}, color_scheme="light", locale="en-GB")


@pytest.fixture
def check_accessibility() -> CheckAccessibility:
    """Checks with axe-core that a page has no serious or critical violation."""

    def check(page: Page) -> None:
        violations = Axe().run(page).response["violations"]
        serious = [
            f"{violation['id']}: {violation['help']}: {[node['html'] for node in violation['nodes']][:5]}"
            for violation in violations
            if violation["impact"] in ("serious", "critical")
        ]
        assert serious == []

    return check


@dataclass
class Api:
    """The REST API beside the browser."""

    http: httpx2.Client

    @property
    def url(self) -> str:
        """The address of the service, without a trailing slash."""
        return str(self.http.base_url).rstrip("/")

    def get(self, path: str, **query: object) -> Any:  # noqa: ANN401 - any document
        answer = self.http.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def add_table(self, name: str, table: str, **options: str) -> str:
        """Upload a table; its name."""
        answer = self.http.post("/datasets", params={"name": name} | options, content=table.encode())
        assert answer.status_code in (200, 201), answer.text
        return name

    def submit(self, **request: object) -> dict[str, Any]:
        """Submit a job; by default three epochs on the packaged digits."""
        whole = {
            "model": {"preset": "mnist-cnn"},
            "dataset": "mnist-sample",
            "hyperparameters": {"epochs": 3, "learning_rate": 0.001},
        }
        answer = self.http.post("/jobs", json=whole | request)
        assert answer.status_code == 202, answer.text
        return dict(answer.json())

    def train(self, *, status: str = "succeeded", **request: object) -> dict[str, Any]:
        """Submit a job and wait for its end; its record."""
        return self.wait(self.submit(**request)["id"], status)

    def job(self, job_id: str) -> dict[str, Any]:
        """The current record of a job."""
        return dict(self.get(f"/jobs/{job_id}"))

    def job_ids(self) -> set[str]:
        """The newest hundred jobs."""
        return {job["id"] for job in self.get("/jobs", limit=100)["data"]}

    def cancel(self, job_id: str) -> None:
        """Cancel a job if it has not ended."""
        self.http.post(f"/jobs/{job_id}/cancel")

    def forget(self, job_id: str) -> None:
        """Cancel a job that no worker trains, and delete it."""
        self.cancel(job_id)
        assert self.http.delete(f"/jobs/{job_id}").status_code == 204

    def wait(self, job_id: str, status: str = "succeeded") -> dict[str, Any]:
        """Wait until the job has a status; its record."""
        wait_for(lambda: self.job(job_id)["status"] == status, f"{job_id} is not {status}", seconds=120)
        return self.job(job_id)


@pytest.fixture(scope="session")
def api(running_up: Up) -> Iterator[Api]:
    """The API of the service that all tests share."""
    with httpx2.Client(base_url=running_up.url, timeout=60) as http:
        yield Api(http)


@pytest.fixture(scope="session")
def trained_job(api: Api) -> str:
    """The id of a job that has trained three epochs of `mnist-cnn` and succeeded."""
    return str(api.train(name="digits", labels={"team": "vision"})["id"])


@pytest.fixture(scope="session")
def slow_job(api: Api) -> str:
    """The id of a job that has learned ten times more slowly than `trained_job`."""
    return str(api.train(name="slow", hyperparameters={"epochs": 2, "learning_rate": 0.0001})["id"])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark all tests here as full, with a long timeout: a single wait may take long on a busy machine."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.full)
            item.add_marker(pytest.mark.timeout(400))

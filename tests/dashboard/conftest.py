"""A real browser with a real service and worker: the system's chromium, driven by playwright.

`page` fails its test on any error or warning in the browser's console, and on any request to another host.
"""

import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, expect, sync_playwright

CHROMIUM = "/usr/bin/chromium"
DEADLINE = 90_000
"""The deadline in milliseconds for a page to show something; only to detect a hang."""


@pytest.fixture(scope="session")
def service_url(running_up: SimpleNamespace) -> str:
    """The address of the dashboard, without a trailing slash; all tests share its service and worker."""
    return str(running_up.url)


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
    found: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    def watch(self, context: BrowserContext) -> None:
        """Record the faults of every page of a context."""
        context.on("console", self._console)
        context.on("weberror", lambda error: self.found.append(f"uncaught: {error.error}"))
        context.on("request", self._request)

    def unexpected(self) -> list[str]:
        return [fault for fault in self.found if not any(re.search(pattern, fault) for pattern in self.expected)]

    def _console(self, message: ConsoleMessage) -> None:
        # Chromium warns of a sandbox escape for the page's own policy too, although the page is in no frame.
        # Netron's `javascript:` links are blocked by the policy.
        if "can escape its sandboxing" in message.text or "Running the JavaScript URL violates" in message.text:
            return
        if message.type in ("error", "warning"):
            self.found.append(f"{message.type}: {message.text} ({message.location.get('url')})")

    def _request(self, request: Request) -> None:
        scheme, host = urlsplit(request.url)[:2]
        if scheme not in ("blob", "data") and f"{scheme}://{host}" not in self.origins:
            self.found.append(f"request to another host: {request.url}")


@pytest.fixture
def faults(service_url: str) -> Faults:
    """The faults in the browser so far."""
    return Faults([service_url])


@pytest.fixture
def open_page(browser: Browser, faults: Faults) -> Iterator[Callable[..., Page]]:
    """Opens a separate browser window: `open_page(color_scheme="dark", viewport={…})`, by default at `service_url`.

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
def page(open_page: Callable[..., Page]) -> Page:
    """A window of 1280 by 900, in English, light. `page.goto("/#/jobs")` shows a page of the dashboard.

    Wait with functions, as in `page.wait_for_function("() => …")`: the page's policy forbids evaluating strings.
    """
    return open_page(viewport={"width": 1280, "height": 900}, color_scheme="light", locale="en-GB")


@pytest.fixture
def check_accessibility() -> Callable[[Page], None]:
    """Checks with axe-core that a page has no serious or critical violation."""

    def check(page: Page) -> None:
        violations = Axe().run(page).response["violations"]
        serious = [
            f"{finding['id']}: {finding['help']}: {[node['html'] for node in finding['nodes']][:5]}"
            for finding in violations
            if finding["impact"] in ("serious", "critical")
        ]
        assert serious == []

    return check


@dataclass
class Api:
    """The REST API beside the browser.

    Attributes:
        url: The address of the service.
    """

    url: str

    def submit(self, **request: object) -> dict[str, Any]:
        """Submit a job; by default three epochs on the packaged digits."""
        whole = {
            "model": {"preset": "mnist-cnn"},
            "dataset": "mnist-sample",
            "hyperparameters": {"epochs": 3, "learning_rate": 0.001},
        }
        answer = httpx2.post(f"{self.url}/jobs", json=whole | request, timeout=60)
        assert answer.status_code == 202, answer.text
        return dict(answer.json())

    def job(self, job_id: str) -> dict[str, Any]:
        """The current record of a job."""
        answer = httpx2.get(f"{self.url}/jobs/{job_id}", timeout=60)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def jobs(self, **query: str) -> list[dict[str, Any]]:
        """The newest hundred matching jobs."""
        answer = httpx2.get(f"{self.url}/jobs", params={"limit": 100, **query}, timeout=60)
        assert answer.status_code == 200, answer.text
        return list(answer.json()["data"])

    def forget(self, job_id: str) -> None:
        """Cancel a job that no worker trains, and delete it."""
        httpx2.post(f"{self.url}/jobs/{job_id}/cancel", timeout=60)
        assert httpx2.delete(f"{self.url}/jobs/{job_id}", timeout=60).status_code == 204

    def cancel(self, job_id: str) -> None:
        """Cancel a job if it has not ended."""
        httpx2.post(f"{self.url}/jobs/{job_id}/cancel", timeout=60)

    def wait(self, job_id: str, *, status: str = "succeeded", seconds: float = 120) -> dict[str, Any]:
        """Wait until the job has a status; its record."""
        deadline = time.monotonic() + seconds
        while (job := self.job(job_id))["status"] != status:
            assert time.monotonic() < deadline, json.dumps(job)
            time.sleep(0.1)
        return job


@pytest.fixture(scope="session")
def api(service_url: str) -> Api:
    """The API of the shared service."""
    return Api(service_url)


@pytest.fixture(scope="session")
def trained_job(api: Api) -> str:
    """The id of a job that has trained three epochs of `mnist-cnn` and succeeded."""
    return str(api.wait(api.submit(name="digits", labels={"team": "vision"})["id"])["id"])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark all tests here as full, with a long timeout: a single wait may take long on a busy machine."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.full)
            item.add_marker(pytest.mark.timeout(400))

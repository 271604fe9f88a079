"""The sign-in dialog."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from pippin.client import Client
from tests.dashboard.conftest import CheckAccessibility, Faults, OpenPage
from tests.support.service_process import ServiceProcess


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    """A service of its own, since its first token signs out the clients without one."""
    with ServiceProcess(tmp_path_factory.mktemp("service") / "home") as running:
        running.wait_for_sample()
        yield running


@pytest.fixture
def token(service: ServiceProcess, faults: Faults) -> str:
    faults.expected += ["status of 401", f"another host: {re.escape(service.url)}"]
    return service.add_token("submit")


@pytest.fixture
def page(open_page: OpenPage, service: ServiceProcess) -> Page:
    return open_page(service.url)


def sign_in_dialog(page: Page) -> Locator:
    return page.get_by_role("dialog", name="Sign in")


def sign_in(page: Page, token: str) -> None:
    sign_in_dialog(page).get_by_label("Token").fill(token)
    sign_in_dialog(page).get_by_role("button", name="Sign in").click()


def test_sign_in_with_a_token_lasts_for_a_session(
    page: Page, token: str, check_accessibility: CheckAccessibility
) -> None:
    page.goto("/#/datasets")
    dialog = sign_in_dialog(page)
    expect(dialog).to_be_visible()
    check_accessibility(page)
    sign_in(page, "pippin_wrong")
    expect(dialog.get_by_role("alert")).to_be_visible()
    sign_in(page, token)
    expect(page.get_by_role("heading", name="Datasets")).to_be_visible()
    expect(dialog).to_have_count(0)
    # The token is neither readable by scripts nor in the address afterwards.
    assert token not in page.evaluate("document.cookie + location.href + JSON.stringify({...localStorage})")
    page.reload()
    expect(page.get_by_role("heading", name="Datasets")).to_be_visible()


def test_curl_command_reads_the_token_from_a_file(
    page: Page, service: ServiceProcess, token: str, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text(token)
    file.chmod(0o600)
    with Client(service.url, token=token) as client:
        first = client.submit({"model": {"preset": "mnist-cnn"}, "dataset": "mnist-sample"})
        page.goto(f"/#/jobs/{first.id}")
        sign_in(page, token)
        shown = page.get_by_label("The job for curl").inner_text()
        environment = os.environ | {"PIPPIN_TOKEN_FILE": str(file)}
        done = subprocess.run(
            ["bash", "-c", shown], env=environment, capture_output=True, text=True, check=True, timeout=60
        )
        assert client.job(json.loads(done.stdout)["id"]).request == first.request
    assert token not in shown


def test_sign_in_dialog_reopens_when_the_token_is_revoked(page: Page, service: ServiceProcess, token: str) -> None:
    with Client(service.url, token=token) as client:
        job = client.submit({"model": {"preset": "mnist-cnn"}, "dataset": "mnist-sample"})
    page.goto(f"/#/jobs/{job.id}")
    with page.expect_response(re.compile("/events")):
        sign_in(page, token)
    expect(sign_in_dialog(page)).to_have_count(0)
    service.revoke_token(token)
    expect(sign_in_dialog(page)).to_be_visible()


def test_reader_sees_who_is_signed_in_and_signs_out(page: Page, token: str) -> None:
    page.goto("/#/jobs")
    sign_in(page, token)
    expect(page.locator("sign-out")).to_contain_text("submit")
    page.get_by_role("button", name="Sign out").click()
    expect(sign_in_dialog(page)).to_be_visible()


def test_what_a_token_may_not_do_is_not_offered(page: Page, service: ServiceProcess, token: str) -> None:
    with Client(service.url, token=token) as client:
        job = client.submit({"model": {"preset": "mnist-cnn"}, "dataset": "mnist-sample", "engine": "coreml"})
    page.goto(f"/#/jobs/{job.id}")
    sign_in(page, service.add_token("read"))
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.locator("sign-out")).to_contain_text("read")
    for name in ("Pause", "Cancel", "New job", "Clone and edit"):
        expect(page.get_by_text(name, exact=True)).to_be_hidden()

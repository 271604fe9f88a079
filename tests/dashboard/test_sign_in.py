"""The sign-in dialog."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

from playwright.sync_api import Page, expect

from pippin.client import Client
from tests.dashboard.conftest import Faults
from tests.support.environment import clean_environment


def pippin(home: Path, *arguments: str) -> str:
    """The stdout of a `pippin` command."""
    clean = clean_environment()
    command = [sys.executable, "-P", "-m", "pippin", *arguments]
    done = subprocess.run(
        command, env=clean | {"PIPPIN_HOME": str(home)}, capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout.strip()


def make_token(home: Path, role: str) -> str:
    return pippin(home, "tokens", "create", "--role", role)


def test_sign_in_with_a_token_lasts_for_a_session(
    start_up: Callable[..., SimpleNamespace],
    open_page: Callable[..., Page],
    faults: Faults,
    check_accessibility: Callable[[Page], None],
) -> None:
    up = start_up("--workers", "0")
    faults.expected += ["status of 401", f"another host: {re.escape(up.url)}"]
    token = make_token(up.home, "submit")
    page = open_page(up.url)
    page.goto("/#/datasets")
    dialog = page.get_by_role("dialog", name="Sign in")
    expect(dialog).to_be_visible()
    check_accessibility(page)
    dialog.get_by_label("Token").fill("pippin_wrong")
    dialog.get_by_role("button", name="Sign in").click()
    expect(dialog.get_by_role("alert")).to_be_visible()
    dialog.get_by_label("Token").fill(token)
    dialog.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Datasets")).to_be_visible()
    expect(dialog).to_have_count(0)
    # The token is neither readable by scripts nor in the address afterwards.
    assert token not in page.evaluate("document.cookie + location.href + JSON.stringify({...localStorage})")
    page.reload()
    expect(page.get_by_role("heading", name="Datasets")).to_be_visible()


def test_curl_command_reads_the_token_from_a_file(
    *, start_up: Callable[..., SimpleNamespace], open_page: Callable[..., Page], faults: Faults, tmp_path: Path
) -> None:
    up = start_up("--workers", "0")
    faults.expected += ["status of 401", f"another host: {re.escape(up.url)}"]
    secret = make_token(up.home, "submit")
    token = tmp_path / "token"
    token.write_text(secret)
    token.chmod(0o600)
    with Client(up.url, token=secret) as client:
        first = client.submit({"model": {"preset": "mnist-cnn"}, "dataset": "mnist-sample"})
        page = open_page(up.url)
        page.goto(f"/#/jobs/{first.id}")
        dialog = page.get_by_role("dialog", name="Sign in")
        dialog.get_by_label("Token").fill(secret)
        dialog.get_by_role("button", name="Sign in").click()
        shown = page.get_by_label("The job for curl").inner_text()
        environment = os.environ | {"PIPPIN_TOKEN_FILE": str(token)}
        done = subprocess.run(
            ["bash", "-c", shown], env=environment, capture_output=True, text=True, check=True, timeout=60
        )
        assert client.job(json.loads(done.stdout)["id"]).request == first.request
    assert secret not in shown


def test_sign_in_dialog_reopens_when_the_token_is_revoked(
    start_up: Callable[..., SimpleNamespace], open_page: Callable[..., Page], faults: Faults
) -> None:
    up = start_up("--workers", "0")
    faults.expected += ["status of 401", f"another host: {re.escape(up.url)}"]
    token = make_token(up.home, "submit")
    with Client(up.url, token=token) as client:
        job = client.submit({"model": {"preset": "mnist-cnn"}, "dataset": "mnist-sample"})
    page = open_page(up.url)
    page.goto(f"/#/jobs/{job.id}")
    dialog = page.get_by_role("dialog", name="Sign in")
    dialog.get_by_label("Token").fill(token)
    with page.expect_response(re.compile("/events")):
        dialog.get_by_role("button", name="Sign in").click()
    expect(dialog).to_have_count(0)
    pippin(up.home, "tokens", "revoke", f"token_{token.split('_')[1]}")
    expect(dialog).to_be_visible(timeout=30_000)

"""A restart of the service while a page is open."""

import os
import signal
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import httpx2
from playwright.sync_api import Page, expect

POINTS = "(document.querySelector('.chart')?.data?.[0].x.length ?? 0)"


def test_live_curve_continues_after_a_service_restart(
    start_up: Callable[..., SimpleNamespace],
    open_page: Callable[..., Page],
    faults: Any,  # noqa: ANN401
) -> None:
    faults.expected += [
        "ERR_CONNECTION_REFUSED",
        "ERR_CONNECTION_RESET",
        "ERR_EMPTY_RESPONSE",
        "ERR_INCOMPLETE_CHUNKED",
    ]
    faults.expected += ["503"]  # while it connects to Redis
    up = start_up()
    request = {
        "model": {"preset": "mnist-cnn"},
        "dataset": "mnist-sample",
        "hyperparameters": {"epochs": 900},
    }
    job = httpx2.post(f"{up.url}/jobs", json=request, timeout=60).json()
    page = open_page(up.url)
    page.goto(f"/#/jobs/{job['id']}")
    page.wait_for_function(f"() => {POINTS} >= 1")

    os.kill(up.parts()["service"], signal.SIGKILL)
    expect(page.get_by_text("Connection lost")).to_be_visible()
    expect(page.get_by_text("Connection lost")).to_have_count(0)
    reached = page.evaluate(POINTS)
    page.wait_for_function(f"reached => {POINTS} > reached + 1", arg=reached)
    epochs = page.evaluate("document.querySelector('.chart').data[0].x")
    assert epochs == list(range(1, len(epochs) + 1))

    page.get_by_role("link", name="Jobs", exact=True).click()
    page.get_by_role("row").filter(has_text="running").get_by_role("link").click()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("status").filter(has_text="cancelled")).to_be_visible()

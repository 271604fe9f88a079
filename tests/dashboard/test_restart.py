"""A restart of the service while a page is open."""

import os
import signal
from collections.abc import Callable

from playwright.sync_api import expect

from pippin.client import Client
from tests.conftest import Up
from tests.dashboard.conftest import Faults, OpenPage

POINTS = "(document.querySelector('.chart')?.chart?.series[0].x.length ?? 0)"


def test_live_curve_continues_after_a_service_restart(
    start_up: Callable[..., Up], open_page: OpenPage, faults: Faults
) -> None:
    faults.expected += [
        "ERR_CONNECTION_REFUSED",
        "ERR_CONNECTION_RESET",
        "ERR_EMPTY_RESPONSE",
        "ERR_INCOMPLETE_CHUNKED",
    ]
    faults.expected += ["503"]  # while it connects to Redis
    up = start_up()
    with Client(up.url) as client:
        job = client.train("mnist-cnn", "mnist-sample", epochs=900)
    page = open_page(up.url)
    page.goto(f"/#/jobs/{job.id}")
    page.wait_for_function(f"() => {POINTS} >= 1")

    os.kill(up.parts()["service"], signal.SIGKILL)
    expect(page.get_by_text("Connection lost")).to_be_visible()
    expect(page.get_by_text("Connection lost")).to_have_count(0)
    reached = page.evaluate(POINTS)
    page.wait_for_function(f"reached => {POINTS} > reached + 1", arg=reached)
    epochs = page.evaluate("document.querySelector('.chart').chart.series[0].x")
    assert epochs == list(range(1, len(epochs) + 1))

    page.get_by_role("link", name="Jobs", exact=True).click()
    page.get_by_role("row").filter(has_text="running").get_by_role("link").click()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("status").filter(has_text="cancelled")).to_be_visible()

"""The dashboard without a pointer."""

import pytest
from playwright.sync_api import Page, expect

from tests.dashboard.conftest import Api


@pytest.mark.usefixtures("trained_job")
def test_keyboard_alone_submits_pauses_resumes_compares_and_downloads(page: Page, api: Api) -> None:
    page.goto("/#/new?dataset=mnist-sample")
    expect(page.get_by_role("heading", name="New job")).to_be_visible()
    page.get_by_role("spinbutton", name="Epochs", exact=True).focus()
    page.keyboard.type("400")
    page.get_by_label("Name", exact=True).last.focus()
    page.keyboard.type("by keyboard")
    page.get_by_role("button", name="Train").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="by keyboard")).to_be_visible()
    expect(page.get_by_role("status").filter(has_text="running")).to_be_visible()
    page.get_by_role("button", name="Pause").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").filter(has_text="paused")).to_be_visible()
    # The button is gone; the focus is on one beside it.
    assert page.evaluate("document.activeElement.closest('.actions') !== null")
    page.get_by_role("button", name="Resume").focus()
    page.keyboard.press("Space")
    expect(page.get_by_role("status").filter(has_text="running")).to_be_visible()
    download = page.get_by_role("link", name="Download the initial model")
    download.focus()
    with page.expect_download() as saved:
        page.keyboard.press("Enter")
    assert saved.value.suggested_filename.endswith(".mlmodel")
    job_id = page.url.rsplit("/", 1)[1]
    api.cancel(job_id)
    page.goto("/#/jobs")
    boxes = page.locator("tbody input[type=checkbox]")
    expect(boxes.nth(1)).to_be_visible()
    for n in range(2):
        boxes.nth(n).focus()
        page.keyboard.press("Space")
    page.get_by_role("button", name="Compare").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Compare")).to_be_visible()

"""The page of workers: current jobs, draining and undraining."""

from playwright.sync_api import Page, expect

from tests.dashboard.conftest import Api


def test_a_worker_shows_its_job_and_is_drained_and_undrained(page: Page, api: Api) -> None:
    job = api.submit(name="to be seen", hyperparameters={"epochs": 900})
    page.goto("/#/workers")
    worker = page.get_by_role("region", name="Worker")
    expect(worker.get_by_role("link", name="to be seen")).to_be_visible()
    expect(worker.locator(".badge")).to_have_text("busy")
    worker.get_by_role("button", name="Drain").click()
    expect(worker.locator(".badge")).to_have_text("draining")
    api.cancel(job["id"])
    expect(worker.locator(".badge")).to_have_text("drained", timeout=30_000)
    expect(worker).to_contain_text("none")
    worker.get_by_role("button", name="Let it work again").click()
    expect(worker.locator(".badge")).to_have_text("idle", timeout=30_000)

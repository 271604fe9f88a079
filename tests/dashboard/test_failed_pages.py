"""Pages that cannot be loaded: without a connection, and with a wrong id in the address."""

import pytest
from playwright.sync_api import Page, expect

from tests.dashboard.conftest import Faults

PAGES = [
    "/#/jobs",
    "/#/jobs/{job}",
    "/#/compare?jobs={job}",
    "/#/new",
    "/#/models",
    "/#/datasets",
    "/#/workers",
    "/#/try/{job}",
]


@pytest.mark.parametrize("path", PAGES)
def test_a_page_that_failed_loads_once_the_service_answers(
    path: str, page: Page, trained_job: str, faults: Faults
) -> None:
    faults.expected.append("ERR_INTERNET_DISCONNECTED")
    page.goto("/#/jobs")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.context.set_offline(True)
    page.evaluate(
        "hash => { location.hash = hash; }", path.format(job=trained_job).split("#")[1] + "?x=1" * (path == "/#/jobs")
    )
    alert = page.get_by_role("alert")
    if path != "/#/jobs":
        expect(alert).to_contain_text("cannot be reached")
        expect(alert.get_by_role("button", name="Try again")).to_be_visible()
    page.context.set_offline(False)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(alert).to_have_count(0)


@pytest.mark.parametrize(
    "path", ["/#/jobs/%", "/#/jobs/job_00000000000000000000000000", "/#/datasets/%zz", "/#/models/a%2Fb"]
)
def test_a_wrong_id_is_named_with_a_way_on(path: str, page: Page, faults: Faults) -> None:
    faults.expected.append("404")
    page.goto(path)
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("There is no")
    expect(alert.get_by_role("button", name="Try again")).to_be_visible()

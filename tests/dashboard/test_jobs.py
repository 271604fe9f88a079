"""The table of jobs."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.dashboard.conftest import Api

CROWD = 150


@pytest.fixture(scope="module")
def crowd(api: Api) -> Iterator[list[str]]:
    """Ids of jobs that are queued for a Mac that never starts, newest first."""
    # The names contain a # because the search also matches ids, which contain digits.
    ids = [api.submit(name=f"waits #{n}", engine="coreml", labels={"crowd": "yes"})["id"] for n in range(CROWD)]
    yield ids[::-1]
    for job_id in ids:
        api.forget(job_id)


def row(page: Page, job_id: str) -> Locator:
    return page.locator(f'tr[data-id="{job_id}"]')


def test_a_submitted_job_appears_and_its_row_is_updated(page: Page, api: Api) -> None:
    page.goto("/#/jobs")
    expect(page.get_by_role("heading", name="Jobs", exact=True)).to_be_visible()
    job = api.submit(name="newcomer")
    shown = row(page, job["id"])
    expect(shown).to_contain_text("newcomer")
    expect(shown).to_contain_text("mnist-cnn")
    expect(shown.get_by_role("progressbar", name="epoch 3 of 3")).to_be_visible()
    expect(shown).to_contain_text("succeeded")
    expect(shown).to_contain_text(re.compile(r"9\d\.\d\d %"))
    shown.get_by_role("link", name="newcomer").click()
    expect(page.get_by_role("heading", name="newcomer", level=1)).to_be_visible()


def test_filters_by_state_label_and_text_are_kept_in_the_address(
    page: Page, trained_job: str, crowd: list[str]
) -> None:
    page.goto("/#/jobs")
    expect(row(page, crowd[0])).to_be_visible()
    page.get_by_label("State").select_option("succeeded")
    expect(row(page, trained_job)).to_be_visible()
    expect(row(page, crowd[0])).to_have_count(0)
    page.get_by_label("State").select_option("")
    page.get_by_label("Label").fill("team=vision")
    expect(row(page, trained_job)).to_be_visible()
    expect(row(page, crowd[0])).to_have_count(0)
    page.get_by_label("Label").fill("")
    page.get_by_label("Search").fill("WAITS #77")
    expect(page.locator("tbody tr[data-id]")).to_have_count(1)
    expect(page.get_by_label("Search")).to_be_focused()
    page.reload()
    expect(page.get_by_label("Search")).to_have_value("WAITS #77")
    expect(page.locator("tbody tr[data-id]")).to_have_count(1)
    expect(page.locator("tbody tr[data-id]")).to_contain_text("waits #77")


def test_a_label_without_a_value_is_marked_invalid(page: Page, trained_job: str) -> None:
    page.goto("/#/jobs?label=team%3Dvision")
    expect(row(page, trained_job)).to_be_visible()
    page.get_by_label("Label").fill("team")
    expect(page.get_by_label("Label")).to_have_attribute("aria-invalid", "true")
    page.get_by_label("Label").fill("team=vision")
    expect(page.get_by_label("Label")).not_to_have_attribute("aria-invalid", "true")


@pytest.mark.usefixtures("crowd")
def test_empty_result_offers_to_show_all_jobs(page: Page) -> None:
    page.goto("/#/jobs?text=nothing-is-called-so")
    expect(page.get_by_role("heading", name="No job matches")).to_be_visible()
    page.get_by_role("button", name="Show all jobs").click()
    expect(page.locator("tbody tr[data-id]").first).to_be_visible()
    expect(page.get_by_label("Search")).to_be_focused()


def test_only_visible_rows_of_thousands_are_drawn(page: Page, crowd: list[str]) -> None:
    page.goto("/#/jobs?label=crowd%3Dyes")
    table = page.get_by_role("region", name="Table of jobs")
    expect(row(page, crowd[0])).to_be_visible()
    bottom = row(page, crowd[-1])
    while not bottom.is_visible():
        table.evaluate("element => element.scrollBy(0, 600)")
        page.wait_for_timeout(30)
    expect(page.get_by_role("status").filter(has_text=f"{CROWD} jobs")).to_be_visible()
    expect(table.get_by_role("table")).to_have_attribute("aria-rowcount", str(CROWD + 1))
    assert page.locator("tbody tr[data-id]").count() < 60
    assert row(page, crowd[-1]).get_attribute("aria-rowindex") == str(CROWD + 1)


def test_a_new_job_moves_neither_visible_rows_nor_the_focus(page: Page, api: Api, crowd: list[str]) -> None:
    page.goto("/#/jobs?label=crowd%3Dyes")
    table = page.get_by_role("region", name="Table of jobs")
    expect(row(page, crowd[0])).to_be_visible()
    table.evaluate("element => element.scrollTo(0, 1500)")
    watched = row(page, crowd[30])
    expect(watched).to_be_visible()
    watched.get_by_role("checkbox").focus()
    place = watched.bounding_box()
    job = api.submit(name="late", engine="coreml", labels={"crowd": "yes"})
    expect(
        page.get_by_role("status").filter(has_text="101 jobs so far").or_(page.get_by_text("151 jobs"))
    ).to_be_visible()
    assert watched.bounding_box() == place
    expect(watched.get_by_role("checkbox")).to_be_focused()
    # A row with the focus also stays in the page when it is scrolled out of view.
    table.evaluate("element => element.scrollTo(0, 0)")
    expect(row(page, job["id"])).to_be_visible()
    expect(watched.get_by_role("checkbox")).to_be_focused()
    api.forget(job["id"])
    expect(row(page, job["id"])).to_have_count(0)


def test_jobs_selected_by_keyboard_are_compared(page: Page, crowd: list[str]) -> None:
    page.goto("/#/jobs?label=crowd%3Dyes")
    button = page.get_by_role("button", name="Compare")
    expect(button).to_be_disabled()
    row(page, crowd[0]).get_by_role("checkbox").focus()
    page.keyboard.press("Space")
    row(page, crowd[2]).get_by_role("checkbox").focus()
    page.keyboard.press("Space")
    expect(button).to_have_text("Compare 2")
    button.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Compare", level=1)).to_be_visible()
    expect(page.get_by_role("columnheader", name=f"waits #{CROWD - 1}")).to_be_visible()
    expect(page.get_by_role("columnheader", name=f"waits #{CROWD - 3}")).to_be_visible()


def shown_ids(page: Page) -> list[str]:
    return [str(each.get_attribute("data-id")) for each in page.locator("tbody tr[data-id]").all()]


def test_any_column_sorts_the_jobs_and_is_kept_in_the_address(page: Page, trained_job: str, slow_job: str) -> None:
    page.goto("/#/jobs?status=succeeded&sort=loss")
    expect(row(page, slow_job)).to_be_visible()
    ids = shown_ids(page)
    assert ids.index(trained_job) < ids.index(slow_job)
    head = page.get_by_role("columnheader", name="Loss")
    expect(head).to_have_attribute("aria-sort", "ascending")
    page.get_by_role("button", name="Accuracy").click()
    expect(page.get_by_role("columnheader", name="Accuracy")).to_have_attribute("aria-sort", "descending")
    page.wait_for_function("() => location.hash.includes('sort=-accuracy')")
    ids = shown_ids(page)
    assert ids.index(trained_job) < ids.index(slow_job)


@pytest.mark.usefixtures("crowd")
def test_the_total_is_shown_before_all_jobs_are_fetched(page: Page) -> None:
    page.goto("/#/jobs?label=crowd%3Dyes")
    expect(page.get_by_text(f"{CROWD} jobs", exact=True)).to_be_visible()


def test_going_back_restores_the_position_and_the_selection(page: Page, crowd: list[str]) -> None:
    page.goto("/#/jobs?label=crowd%3Dyes")
    expect(row(page, crowd[0])).to_be_visible()
    row(page, crowd[1]).get_by_role("checkbox").check()
    region = page.get_by_role("region", name="Table of jobs")
    region.evaluate("element => { element.scrollTop = 3000; }")
    page.wait_for_function("() => history.state?.scrollTop === 3000 && history.state.chosen.length === 1")
    page.locator("tbody tr[data-id]").nth(20).get_by_role("link").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("waits")
    page.go_back()
    page.wait_for_function("() => document.querySelector('.jobs-table')?.scrollTop === 3000")
    expect(page.get_by_role("button", name="Clear selection")).to_be_visible()


def test_selected_jobs_are_cancelled_and_deleted_together(page: Page, api: Api) -> None:
    ids = [api.submit(name=f"unwanted {n}", engine="coreml", labels={"fate": "delete"})["id"] for n in range(3)]
    page.goto("/#/jobs?label=fate%3Ddelete")
    for word, dialog in (("Cancel", "Cancel 3 jobs?"), ("Delete", "Delete 3 jobs?")):
        for job_id in ids:
            row(page, job_id).get_by_role("checkbox").check()
        page.get_by_role("button", name=word, exact=True).click()
        page.get_by_role("dialog", name=dialog).get_by_role("button", name=f"{word} them").click()
        expect(page.get_by_role("dialog")).to_have_count(0)
        if word == "Cancel":
            for job_id in ids:
                expect(row(page, job_id)).to_contain_text("cancelled")
    expect(page.get_by_text("No job matches")).to_be_visible()
    assert not api.job_ids() & set(ids)

"""The page that compares jobs."""

from playwright.sync_api import Page, expect

from tests.dashboard.conftest import Api, Faults

ALL_DRAWN = """names => {
  const lines = document.querySelector('.chart')?.chart?.series ?? [];
  return names.every(name => lines.some(line => line.name === name && line.x.length > 1));
}"""


def wait_for_lines(page: Page, names: list[str]) -> None:
    page.wait_for_function(ALL_DRAWN, arg=names)


def test_curves_share_a_chart_and_differences_are_marked(page: Page, trained_job: str, slow_job: str) -> None:
    page.goto(f"/#/compare?jobs={trained_job},{slow_job}")
    wait_for_lines(page, ["digits", "slow"])
    rate = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name="learning_rate (differs)"))
    expect(rate.get_by_role("cell")).to_have_text(["0.001", "0.0001"])
    expect(page.get_by_role("rowheader", name="mini_batch_size", exact=True)).to_be_visible()
    page.get_by_label("Only what differs").check()
    expect(page.get_by_role("rowheader", name="mini_batch_size", exact=True)).to_have_count(0)
    expect(rate).to_be_visible()


def test_another_metric_can_be_chosen_and_another_axis(page: Page, trained_job: str, slow_job: str) -> None:
    page.goto(f"/#/compare?jobs={trained_job},{slow_job}")
    wait_for_lines(page, ["digits", "slow"])
    page.get_by_role("combobox", name="Metric").select_option("Validation accuracy")
    page.wait_for_function("() => document.querySelector('.chart').chart.axes.y.title === 'Validation accuracy'")
    assert 0.8 < page.evaluate("document.querySelector('.chart').chart.series[0].y.at(-1)") <= 1
    page.get_by_label("Along").select_option("Training time")
    page.wait_for_function("() => document.querySelector('.chart').chart.axes.x.title === 'Seconds of training'")


def test_a_running_job_is_updated(page: Page, api: Api, trained_job: str) -> None:
    job_id = api.submit(name="live", hyperparameters={"epochs": 4})["id"]
    page.goto(f"/#/compare?jobs={trained_job},{job_id}")
    expect(page.get_by_role("cell", name="4/4")).to_be_visible()
    wait_for_lines(page, ["digits", "live"])


def test_a_deleted_job_is_reported_and_the_others_are_shown(page: Page, trained_job: str, faults: Faults) -> None:
    faults.expected.append("404")
    page.goto(f"/#/compare?jobs={trained_job},job_00000000000000000000000000")
    expect(page.get_by_role("alert")).to_contain_text("job_00000000000000000000000000")
    wait_for_lines(page, ["digits"])


def test_page_without_jobs_links_to_the_jobs_table(page: Page) -> None:
    page.goto("/#/compare")
    page.get_by_role("link", name="Choose jobs").click()
    expect(page).to_have_title("Jobs · Pippin")

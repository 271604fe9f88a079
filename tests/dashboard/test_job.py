"""The page of one job."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from pippin.models.mlmodel.proto import parse
from tests.dashboard.conftest import Api, Faults, OpenPage
from tests.support.specs import classifier_spec

POINTS = """([name, count]) => {
  const chart = document.querySelector('[aria-label^="Loss of each epoch"]');
  return chart?.chart?.series.find(line => line.name === name)?.x.length >= count;
}"""

LONE_POINT = """({chart: {frame, axes, shown: [{x, y}]}}) => ({
  x: frame.toX(x[0]),
  y: frame.toY(y[0]),
  range: axes.y.range,
  frame: [frame.left, frame.right, frame.top, frame.bottom],
})"""


def wait_for_points(page: Page, count: int, name: str = "Training") -> None:
    """Wait until the curve has so many points."""
    page.wait_for_function(POINTS, arg=[name, count])


def state(page: Page, name: str) -> Locator:
    return page.locator(".head").get_by_role("status").filter(has_text=name)


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def test_curves_grow_during_the_training_and_buttons_control_the_job(page: Page, api: Api) -> None:
    job_id = api.submit(name="long", hyperparameters={"epochs": 500})["id"]
    page.goto(f"/#/jobs/{job_id}")
    wait_for_points(page, 1)
    expect(state(page, "running")).to_be_visible()
    wait_for_points(page, 3)

    press(page, "Pause")
    expect(state(page, "paused")).to_be_visible()
    reached = api.job(job_id)["progress"]["epoch"]
    press(page, "Resume")
    expect(state(page, "running")).to_be_visible()
    expect(page.get_by_text(f"Continued from epoch {reached}")).to_be_visible()
    wait_for_points(page, reached + 1)

    press(page, "Cancel")
    expect(state(page, "cancelled")).to_be_visible()
    changes = page.get_by_role("region", name="State changes")
    for name in ("queued", "starting", "running", "pausing", "paused", "cancelling", "cancelled"):
        expect(changes.get_by_text(name, exact=True).first).to_be_visible()

    press(page, "Retry from checkpoint")
    expect(page.get_by_role("link", name=job_id)).to_be_visible()
    expect(state(page, "running")).to_be_visible()
    expect(page.get_by_text("Continued from epoch")).to_be_visible()
    press(page, "Cancel")
    expect(state(page, "cancelled")).to_be_visible()
    press(page, "Retry")
    expect(state(page, "running")).to_be_visible()
    expect(page.get_by_text("Continued from epoch")).to_have_count(0)
    press(page, "Cancel")
    expect(state(page, "cancelled")).to_be_visible()


def test_a_job_that_does_not_run_shows_no_remaining_time(page: Page, api: Api) -> None:
    job_id = api.submit(name="stopped", hyperparameters={"epochs": 900})["id"]
    page.goto(f"/#/jobs/{job_id}")
    left = page.locator(".summary").get_by_text("Left, about")
    expect(left).to_be_visible()
    press(page, "Pause")
    expect(state(page, "paused")).to_be_visible()
    expect(left).to_have_count(0)
    press(page, "Resume")
    expect(left).to_be_visible()
    press(page, "Cancel")
    expect(state(page, "cancelled")).to_be_visible()
    expect(left).to_have_count(0)
    page.reload()
    expect(state(page, "cancelled")).to_be_visible()
    expect(left).to_have_count(0)


@pytest.mark.parametrize("log", [False, True])
def test_a_single_epoch_is_a_point_between_readable_axes(log: bool, page: Page, api: Api) -> None:
    job_id = api.train(name="one epoch", hyperparameters={"epochs": 1})["id"]
    page.goto(f"/#/jobs/{job_id}")
    wait_for_points(page, 1)
    page.get_by_label("Logarithmic axis").set_checked(log)
    page.wait_for_function("log => document.querySelector('.chart').chart.frame.y.log === log", arg=log)
    charts = page.locator(".chart")
    for number, (least, most) in enumerate([(0, 100), (-0.05, 1.05), (0, 1e9)]):
        drawn = charts.nth(number).evaluate(LONE_POINT)
        low, high = drawn["range"]
        assert least <= low < high <= most
        # The point lies inside the frame, not on its edge.
        left, right, top, bottom = drawn["frame"]
        assert left + 5 < drawn["x"] < right - 5
        assert top <= drawn["y"] <= bottom


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        (
            {"id": "mnist-sample", "train": "test", "validation_fraction": 0.07},
            "7.00 % of test, held out from the training",
        ),
        ({"id": "mnist-sample", "validation": "test"}, "test"),
    ],
)
def test_the_request_shows_the_validation_data(dataset: dict[str, Any], message: str, page: Page, api: Api) -> None:
    job_id = api.submit(name="validated", dataset=dataset, engine="coreml")["id"]
    page.goto(f"/#/jobs/{job_id}")
    facts = page.locator("section", has=page.get_by_role("heading", name="Request")).locator("dl")
    expect(facts.locator("dt", has_text="Validated on").locator("+ dd")).to_have_text(message)
    api.cancel(job_id)


def test_page_states_that_a_job_has_no_validation_data(page: Page, api: Api) -> None:
    table = "label,image\n" + "".join(f"{n % 2},{n}\n" for n in range(8))
    dataset = api.add_table("never validated", table)
    spec = classifier_spec("image", [1], "y", 2, mini_batch_size=4, learning_rate=0.001, epochs=1)
    job = api.submit(name="unvalidated", model={"spec": spec}, dataset=dataset, hyperparameters={})
    page.goto(f"/#/jobs/{job['id']}")
    expect(page.get_by_text("no examples: none are held out, so only the training loss is known")).to_be_visible()
    expect(page.locator(".summary > div", has_text="Validation")).to_have_text("Validationnone")
    api.wait(job["id"])


def test_charts_show_mini_batches_smoothing_and_a_logarithmic_axis(page: Page, api: Api) -> None:
    job_id = api.train(name="in detail", report="batch")["id"]
    page.goto(f"/#/jobs/{job_id}")
    wait_for_points(page, 3)
    page.get_by_label("Mini-batches").check()
    wait_for_points(page, 3 * 16, "Mini-batches")
    page.get_by_label("Logarithmic axis").check()
    page.wait_for_function("() => document.querySelector('.chart').chart.frame.y.log")
    page.get_by_label("Smoothing").fill("0.5")
    page.wait_for_function("() => document.querySelector('.chart').chart.series.every(({faint}) => faint)")


def test_mini_batches_are_disabled_for_a_job_that_does_not_report_them(page: Page, trained_job: str) -> None:
    page.goto(f"/#/jobs/{trained_job}")
    wait_for_points(page, 3)
    expect(page.get_by_label("Mini-batches")).to_be_disabled()


def test_epochs_are_also_a_table_and_events_a_list(page: Page, trained_job: str) -> None:
    page.goto(f"/#/jobs/{trained_job}")
    page.get_by_text("All epochs as a table").click()
    expect(page.get_by_role("region", name="Epochs").locator("tbody tr")).to_have_count(3)
    events = page.get_by_role("list", name="Events and log lines")
    expect(events).to_contain_text("starting → running")
    expect(events).to_contain_text("3/3: loss")
    expect(events.locator("li.log").first).to_be_visible()
    page.get_by_role("combobox", name="Show").select_option("epoch")
    expect(events.locator("li:visible")).to_have_count(3)


def test_each_model_and_checkpoint_can_be_downloaded(page: Page, trained_job: str, tmp_path: Path) -> None:
    page.goto(f"/#/jobs/{trained_job}")
    expected = {
        "Download the trained model": "digits.mlmodel",
        "Download the initial model": "digits-initial.mlmodel",
        "Download the inference model": "digits-inference.mlmodel",
        "Download the model of epoch 2": "digits-epoch-2.mlmodel",
    }
    for link, name in expected.items():
        with page.expect_download() as loading:
            page.get_by_role("link", name=link).click()
        assert loading.value.suggested_filename == name
        loading.value.save_as(tmp_path / name)
        assert parse((tmp_path / name).read_bytes()).neuralNetwork.layers
    expect(page.get_by_role("link", name="Try it")).to_have_attribute("href", f"#/try/{trained_job}")
    expect(page.get_by_role("link", name="Clone and edit")).to_have_attribute("href", f"#/new?from={trained_job}")


@pytest.mark.parametrize(("form", "program"), [("curl", "bash"), ("CLI", "bash"), ("Python", sys.executable)])
def test_shown_commands_resubmit_the_job(
    open_page: OpenPage, api: Api, trained_job: str, *, form: str, program: str
) -> None:
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    page.goto(f"/#/jobs/{trained_job}")
    opened = page.get_by_role("button", name=f"Copy it for {form}")
    page.get_by_text(form, exact=True).wait_for()
    if not opened.is_visible():
        page.get_by_text(form, exact=True).click()
    opened.click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    text = page.evaluate("navigator.clipboard.readText()")
    before = api.job_ids()
    folder = Path(sys.executable).parent
    environment = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}
    done = subprocess.run(
        [program, "-c", text], env=environment, capture_output=True, text=True, check=False, timeout=90
    )
    assert done.returncode == 0, done.stderr
    (made,) = api.job_ids() - before
    assert api.job(made)["request"] == api.job(trained_job)["request"]
    api.cancel(made)


def test_failure_reason_is_shown_at_the_top(page: Page, api: Api) -> None:
    hopeless = {"epochs": 3, "learning_rate": 1e18}
    job_id = api.train(hyperparameters=hopeless, limits="widen", status="failed")["id"]
    page.goto(f"/#/jobs/{job_id}")
    expect(page.locator(".problem")).to_contain_text("diverged")
    expect(page.get_by_role("button", name="Retry", exact=True)).to_be_visible()
    expect(page.get_by_text("learning_rate", exact=True)).to_be_visible()
    expect(page.get_by_text("(outside the model's limits)")).to_be_visible()


def test_deletion_needs_confirmation(page: Page, api: Api) -> None:
    job = api.submit(name="short-lived", engine="coreml")
    page.goto(f"/#/jobs/{job['id']}")
    press(page, "Cancel")
    press(page, "Delete")
    expect(page.get_by_role("dialog", name="Delete short-lived?")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert api.job(job["id"])["status"] == "cancelled"
    press(page, "Delete")
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page).to_have_title("Jobs · Pippin")
    assert job["id"] not in api.job_ids()


def test_a_refused_action_is_shown_on_the_page(page: Page, api: Api, faults: Faults) -> None:
    faults.expected.append("409")
    job = api.submit(name="overtaken", engine="coreml")
    page.goto(f"/#/jobs/{job['id']}")
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    # Another client has cancelled the job, and the page has not received the event yet.
    page.route("**/events", lambda route: route.abort())
    page.evaluate("id => fetch(`jobs/${id}/cancel`, {method: 'POST'})", job["id"])
    page.evaluate("[...document.querySelectorAll('button')].find(button => button.textContent === 'Pause').click()")
    expect(page.get_by_role("alert")).to_contain_text("cannot be paused")
    api.cancel(job["id"])


def test_an_unknown_job_is_reported(page: Page, faults: Faults) -> None:
    faults.expected.append("404")
    page.goto("/#/jobs/job_00000000000000000000000000")
    expect(page.get_by_role("alert")).to_contain_text("job_00000000000000000000000000")

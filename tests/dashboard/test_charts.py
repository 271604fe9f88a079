"""The charts of the dashboard: reading values, zoom, files, many points, a phone."""

import csv
import io
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.dashboard.conftest import Api, OpenPage

RANGE = "() => document.querySelector('.chart').chart.axes.x.range"


@pytest.fixture
def loss_chart(page: Page, trained_job: str) -> Locator:
    """The first chart of a job of three epochs."""
    page.goto(f"/#/jobs/{trained_job}")
    page.wait_for_function("() => document.querySelector('.chart')?.chart?.shown[0].x.length === 3")
    return page.locator(".chart").first


def test_arrow_keys_read_the_values_aloud(page: Page, loss_chart: Locator, api: Api, trained_job: str) -> None:
    canvas = loss_chart.locator("canvas")
    assert "Training: from" in (canvas.get_attribute("aria-label") or "")
    canvas.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    losses = [epoch["loss"] for epoch in api.get(f"/jobs/{trained_job}/metrics")["data"]]
    spoken = loss_chart.locator("[aria-live]")
    expect(spoken).to_contain_text("Epoch 2: ")
    expect(spoken).to_contain_text(f"Training {losses[1]:.4g}")
    page.keyboard.press("Escape")
    expect(loss_chart.locator(".chart-tip")).to_be_hidden()


def test_keys_and_buttons_zoom_and_show_all_again(page: Page, loss_chart: Locator) -> None:
    whole = page.evaluate(RANGE)
    canvas, show_all = loss_chart.locator("canvas"), loss_chart.get_by_role("button", name="Show all values")
    expect(show_all).to_be_disabled()
    canvas.focus()
    page.keyboard.press("+")
    page.wait_for_function("whole => document.querySelector('.chart').chart.axes.x.range[0] > whole[0]", arg=whole)
    narrow = page.evaluate(RANGE)
    page.keyboard.press("Shift+ArrowRight")
    assert page.evaluate(RANGE)[0] > narrow[0]
    show_all.click()
    assert page.evaluate(RANGE) == whole


def test_dragging_zooms_to_the_marked_part(page: Page, loss_chart: Locator) -> None:
    box = loss_chart.locator("canvas").bounding_box()
    assert box
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * 0.5, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.8, middle, steps=4)
    expect(loss_chart.locator(".chart-box")).to_be_visible()
    page.mouse.up()
    low, high = page.evaluate(RANGE)
    assert 1.5 < low < 2.3 < high < 3
    page.mouse.dblclick(box["x"] + box["width"] / 2, middle)
    page.wait_for_function("() => document.querySelector('.chart').chart.axes.x.range[0] < 1.1")


def test_the_legend_hides_a_line(page: Page, loss_chart: Locator) -> None:
    button = loss_chart.get_by_role("button", name="Validation")
    button.click()
    expect(button).to_have_attribute("aria-pressed", "false")
    assert page.evaluate("document.querySelector('.chart').chart.shown.map(({name}) => name)") == ["Training"]


def test_a_chart_is_saved_as_csv_and_png(page: Page, loss_chart: Locator, api: Api, trained_job: str) -> None:
    with page.expect_download() as saved:
        loss_chart.get_by_role("button", name="Download the values (CSV)").click()
    assert saved.value.suggested_filename.endswith(".csv")
    rows = list(csv.reader(io.StringIO(Path(saved.value.path()).read_text())))
    assert rows[0] == ["series", "Epoch", "Loss"]
    losses = [epoch["loss"] for epoch in api.get(f"/jobs/{trained_job}/metrics")["data"]]
    assert [(int(x), float(y)) for name, x, y in rows if name == "Training"] == list(enumerate(losses, 1))
    with page.expect_download() as saved:
        loss_chart.get_by_role("button", name="Download the picture (PNG)").click()
    assert Path(saved.value.path()).read_bytes().startswith(b"\x89PNG\r\n")


def test_the_address_keeps_the_settings_of_charts(page: Page, loss_chart: Locator) -> None:
    page.get_by_label("Logarithmic axis").check()
    page.get_by_label("Smoothing").fill("0.6")
    page.wait_for_function("() => location.hash.includes('log=1') && location.hash.includes('smoothing=0.6')")
    page.reload()
    page.wait_for_function("() => document.querySelector('.chart')?.chart?.shown[0].faint?.length === 3")
    assert loss_chart.evaluate("element => element.chart.axes.y.log")
    expect(page.get_by_label("Smoothing")).to_have_value("0.6")


def test_a_swipe_over_a_chart_scrolls_a_phone(open_page: OpenPage, trained_job: str) -> None:
    page = open_page(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page.goto(f"/#/jobs/{trained_job}")
    canvas = page.locator(".chart canvas").first
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box
    before = page.evaluate("scrollY")
    touch = page.context.new_cdp_session(page)
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    for moved in range(20, 260, 20):
        touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [{"x": x, "y": y - moved}]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    page.wait_for_function("before => scrollY > before + 150", arg=before)
    assert page.evaluate("document.querySelector('.chart').chart.axes.x.range[1]") > 3, "the swipe has zoomed"

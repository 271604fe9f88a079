"""The page `Try it`: a hand-drawn digit is recognized, and mistakes are shown."""

import io
import re
from typing import Any

import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import FloatRect, Page, expect

from tests.dashboard.conftest import Api, CheckAccessibility, OpenPage
from tests.support.specs import regression_spec

STROKES = {
    "1": [[(140, 40), (140, 240)]],
    "7": [[(80, 60), (200, 60), (120, 240)]],
    "0": [[(140, 50), (90, 80), (75, 140), (90, 200), (140, 230), (190, 200), (205, 140), (190, 80), (140, 50)]],
}
"""Points of a stroke on the pad, which has 280 by 280 pixels."""


def pad_of(page: Page) -> FloatRect:
    """The place of the drawing pad."""
    pad = page.get_by_role("img", name="Drawing pad")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    assert box is not None
    return box


def draw(page: Page, strokes: list[list[tuple[int, int]]]) -> None:
    box = pad_of(page)
    for (x, y), *rest in strokes:
        page.mouse.move(box["x"] + x, box["y"] + y)
        page.mouse.down()
        for to_x, to_y in rest:
            page.mouse.move(box["x"] + to_x, box["y"] + to_y, steps=6)
        page.mouse.up()


def model_input(page: Page) -> list[list[int]]:
    """The pixels of the model's input, by row."""
    rows: list[list[int]] = page.get_by_role("img", name="What the model sees").evaluate(
        """canvas => {
            const {width, height} = canvas;
            const {data} = canvas.getContext("2d").getImageData(0, 0, width, height);
            const row = y => Array.from({length: width}, (_, x) => data[4 * (y * width + x)]);
            return Array.from({length: height}, (_, y) => row(y));
        }"""
    )
    return rows


@pytest.mark.parametrize("digit", STROKES)
def test_a_digit_drawn_with_the_mouse_is_recognized(digit: str, page: Page, trained_job: str) -> None:
    page.goto(f"/#/try/{trained_job}")
    draw(page, STROKES[digit])
    expect(page.locator(".verdict strong")).to_have_text(digit)
    expect(page.locator(".bars li")).to_have_count(10)
    page.get_by_role("button", name="Clear").click()
    expect(page.locator(".verdict")).to_have_count(0)


def test_drawn_digit_is_centred_as_in_mnist(page: Page, trained_job: str) -> None:
    page.goto(f"/#/try/{trained_job}")
    draw(page, [[(30, 30), (60, 120)]])
    expect(page.locator(".verdict")).to_be_visible()
    rows = model_input(page)
    lit = [(x, y, value) for y, row in enumerate(rows) for x, value in enumerate(row) if value > 25]
    assert (len(rows), len(rows[0])) == (28, 28)
    assert max(y for _, y, _ in lit) - min(y for _, y, _ in lit) in (18, 19, 20)
    mass = sum(value for *_, value in lit)
    for axis in (0, 1):
        assert abs(sum((place[axis] + 0.5) * place[2] for place in lit) / mass - 14) < 1
    page.get_by_label("Centre it").uncheck()
    expect(page.get_by_label("Centre it")).not_to_be_checked()
    assert model_input(page)[4][4] > 100


def open_picture(page: Page, job_id: str, name: str, content: bytes) -> None:
    page.goto(f"/#/try/{job_id}")
    page.get_by_label("Open a picture").set_input_files({"name": name, "mimeType": "image/png", "buffer": content})


def test_dark_digit_on_a_light_image_is_recognized(page: Page, trained_job: str) -> None:
    picture = Image.new("L", (200, 200), 235)
    ImageDraw.Draw(picture).line([(50, 40), (150, 40), (90, 170)], fill=20, width=16, joint="curve")
    file = io.BytesIO()
    picture.save(file, "png")
    open_picture(page, trained_job, "seven.png", file.getvalue())
    expect(page.locator(".verdict strong")).to_have_text("7")


def test_a_file_that_is_not_a_picture_is_refused(page: Page, trained_job: str) -> None:
    open_picture(page, trained_job, "notes.png", b"none")
    expect(page.get_by_role("alert")).to_contain_text("notes.png is not a picture")


def test_the_worst_mistakes_are_shown_and_can_be_tried(page: Page, trained_job: str) -> None:
    page.goto(f"/#/try/{trained_job}")
    measured = page.get_by_role("region", name="Evaluation")
    expect(measured.get_by_text("2,000", exact=True)).to_be_visible()
    cells = measured.locator(".confusion tbody td").all_inner_texts()
    assert len(cells) == 100
    assert sum(map(int, cells)) == 2000
    first = measured.locator(".mistakes button").first
    predicted = first.locator("b").nth(1).inner_text()
    first.click()
    # The example is shown as it is stored, so the prediction is the same again.
    expect(page.locator(".verdict strong")).to_have_text(predicted)


def test_touch_draws_a_digit_on_a_phone(open_page: OpenPage, trained_job: str) -> None:
    page = open_page(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page.goto(f"/#/try/{trained_job}")
    box = pad_of(page)
    session = page.context.new_cdp_session(page)
    for kind, x, y in (("touchStart", 140, 40), ("touchMove", 140, 140), ("touchMove", 140, 240), ("touchEnd", 0, 0)):
        points = [] if kind == "touchEnd" else [{"x": box["x"] + x, "y": box["y"] + y}]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    expect(page.locator(".verdict strong")).to_have_text("1")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def train_on_table(
    api: Api, name: str, table: str, spec: dict[str, Any], options: dict[str, str], **dataset: object
) -> dict[str, Any]:
    """The record of a job trained on a table of this name."""
    api.add_table(name, table, **options)
    return api.train(name=name, model={"spec": spec}, dataset={"id": name, **dataset}, hyperparameters={})


def test_numeric_inputs_have_one_field_each(page: Page, api: Api, check_accessibility: CheckAccessibility) -> None:
    table = "price,size,rooms\n" + "".join(f"{2 * n + m},{n},{m}\n" for n in range(8) for m in (1, 2))
    spec = regression_spec("flat", 2, "price", learning_rate=0.01)
    options = {"target": "price", "inputs": "flat:size,rooms"}
    job = train_on_table(api, "flats", table, spec, options)
    page.goto(f"/#/try/{job['id']}")
    page.get_by_label("flat 1").fill("3")
    page.get_by_label("flat 2").fill("1")
    page.get_by_role("button", name="Predict").click()
    body = {"inputs": {"flat": [[3, 1]]}}
    price = api.http.post(f"/jobs/{job['id']}/predict", json=body).json()["outputs"]["price"][0][0]
    shown = page.locator(".answer dd")
    expect(shown).to_have_text(re.compile(r"^-?\d"))
    assert float(shown.inner_text()) == pytest.approx(price, rel=1e-3)
    page.get_by_role("button", name="Fill in an example").click()
    expect(page.get_by_label("flat 2")).to_have_value(re.compile("^[12]$"))
    check_accessibility(page)


def test_held_out_rows_are_evaluated_by_default_and_others_on_request(page: Page, api: Api) -> None:
    dataset = {"id": "mnist-sample", "train": "test", "validation_fraction": 0.25}
    job = api.train(name="held out", dataset=dataset, hyperparameters={"epochs": 1})
    page.goto(f"/#/try/{job['id']}")
    measured = page.get_by_role("region", name="Evaluation")
    choice = measured.get_by_label("Rows to measure on")
    figures = measured.locator(".figures div")
    expect(figures.filter(has_text="Examples")).to_have_text("Examples500")
    expect(figures.filter(has_text="Trained on")).to_have_text("Trained onnone of them")
    expect(choice.locator("option:checked")).to_have_text("test, held out")
    expect(choice.locator("option")).to_have_text(["train", "test, held out", "test, trained on"])
    expect(measured.locator(".notice")).to_have_count(0)
    expect(figures.filter(has_text="Accuracy")).to_contain_text(
        f"{100 * job['latest_metrics']['validation_accuracy']:.2f} %"
    )
    choice.select_option("test, trained on")
    expect(figures.filter(has_text="Examples")).to_have_text("Examples1,500")
    expect(figures.filter(has_text="Trained on")).to_have_text("Trained onall of them")
    expect(measured.locator(".notice")).to_contain_text("All 1,500 examples were trained on")


def train_on_a_line(api: Api, **dataset: object) -> dict[str, Any]:
    """The record of a job trained on 20 points of a line."""
    table = "y,x\n" + "".join(f"{2 * x + 0.5},{x}\n" for x in range(20))
    spec = regression_spec("x", 1, "y", learning_rate=0.0001)
    return train_on_table(api, "a line", table, spec, {"target": "y"}, **dataset)


def test_evaluation_on_training_rows_shows_a_notice(page: Page, api: Api) -> None:
    job = train_on_a_line(api)
    page.goto(f"/#/try/{job['id']}")
    measured = page.get_by_role("region", name="Evaluation")
    expect(measured.locator(".notice")).to_contain_text("All 20 examples were trained on: the figures do not show")
    expect(measured.get_by_label("Rows to measure on").locator("option")).to_have_text(["train, trained on"])


def test_largest_regression_errors_are_shown_and_can_be_tried(
    page: Page, api: Api, check_accessibility: CheckAccessibility
) -> None:
    job = train_on_a_line(api, validation_fraction=0.2)
    report = api.http.post(f"/jobs/{job['id']}/evaluate", json={"dataset": "a line"}).json()
    page.goto(f"/#/try/{job['id']}")
    measured = page.get_by_role("region", name="Evaluation")
    expect(measured.get_by_role("heading", name="Largest errors")).to_be_visible()
    expect(measured.get_by_text("Worst mistakes")).to_have_count(0)
    expect(measured.get_by_text("Accuracy")).to_have_count(0)
    tiles = measured.locator(".mistakes button")
    expect(tiles).to_have_count(len(report["largest_errors"]))
    worst = report["largest_errors"][0]
    expected, predicted = (float(tiles.first.locator("b").nth(at).inner_text()) for at in (0, 1))
    assert expected == pytest.approx(worst["expected"][0], rel=1e-3)
    assert predicted == pytest.approx(worst["predicted"][0], rel=1e-3)
    tiles.first.click()
    expect(page.get_by_label("x 1")).to_have_value(str(worst["row"]))
    expect(page.locator(".answer dd")).to_have_text(re.compile(rf"^{re.escape(f'{predicted:g}'[:5])}"))
    check_accessibility(page)


def test_page_states_that_there_is_no_trained_model(page: Page, api: Api) -> None:
    job = api.submit(hyperparameters={"epochs": 900})
    page.goto(f"/#/try/{job['id']}")
    expect(page.get_by_role("heading", name="There is no trained model yet")).to_be_visible()
    api.cancel(job["id"])


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_accessible_with_a_drawn_digit(
    scheme: str, open_page: OpenPage, trained_job: str, check_accessibility: CheckAccessibility
) -> None:
    page = open_page(color_scheme=scheme)
    page.goto(f"/#/try/{trained_job}")
    draw(page, STROKES["7"])
    expect(page.locator(".verdict")).to_be_visible()
    expect(page.locator(".mistakes")).to_be_visible()
    check_accessibility(page)

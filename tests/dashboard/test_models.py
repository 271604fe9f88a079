"""Models: listed, drawn layer by layer, uploaded, and shown as a graph by Netron."""

import json
import re
from datetime import UTC, datetime, timedelta

from playwright.sync_api import Page, expect

from pippin.models.spec.presets import preset
from tests.dashboard.conftest import Faults, OpenPage


def upload(page: Page, name: str, content: bytes) -> None:
    page.goto("/#/models")
    page.get_by_label("Upload a model").set_input_files(
        {"name": name, "mimeType": "application/octet-stream", "buffer": content}
    )


def test_a_preset_is_drawn_layer_by_layer(page: Page) -> None:
    page.goto("/#/models")
    page.get_by_role("link", name="mnist-cnn").click()
    layers = page.locator(".layers > li")
    expect(layers).to_have_count(13)
    expect(layers.nth(1)).to_contain_text("32 \N{MULTIPLICATION SIGN} 26 \N{MULTIPLICATION SIGN} 26")
    expect(layers.nth(8)).to_contain_text("576,500")
    expect(page.get_by_role("row", name="learning rate")).to_contain_text("0 to 0.3")
    page.get_by_role("link", name="Train it").click()
    expect(page.get_by_role("combobox", name="Model")).to_have_value("preset mnist-cnn")


def test_netron_shows_the_graph_offline_and_without_update_prompt(open_page: OpenPage) -> None:
    # The `open_page` fixture checks at the end that no request left this host and that the console is empty.
    page = open_page(viewport={"width": 1280, "height": 900})
    page.context.clock.install(time=datetime.now(UTC) + timedelta(days=366))
    page.goto("/#/models/preset:mnist-cnn")
    page.get_by_role("button", name="Show the graph").click()
    netron = page.frame_locator("iframe[title='Graph of mnist-cnn in Netron']")
    expect(netron.locator("#canvas .node")).not_to_have_count(0)
    expect(netron.get_by_text("innerProduct", exact=True)).to_have_count(2)
    expect(netron.get_by_text("Please update to the newest version.")).to_have_count(0)
    expect(netron.locator("#message-text")).not_to_be_visible()


def test_a_model_is_uploaded_shown_downloaded_and_deleted(page: Page) -> None:
    spec = preset("mnist-cnn") | {"short_description": "for the dashboard's test"}
    upload(page, "dropped.json", json.dumps(spec).encode())
    expect(page.get_by_role("heading", name="dropped")).to_be_visible()
    expect(page.get_by_text("from spec")).to_be_visible()
    with page.expect_download() as saved:
        page.get_by_role("link", name="Download").click()
    assert saved.value.suggested_filename == "dropped.mlmodel"
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("button", name="Delete it").click()
    expect(page.get_by_role("heading", name="Models")).to_be_visible()
    expect(page.get_by_role("link", name="dropped")).to_have_count(0)


def test_upload_of_an_invalid_model_shows_the_reason(page: Page, faults: Faults) -> None:
    faults.expected.append("status of 422")
    upload(page, "holiday.mlmodel", b"sun and sea" * 10)
    expect(page.get_by_role("alert")).to_contain_text("not valid")


def test_skip_connections_are_drawn_beside_the_layers_they_skip(page: Page) -> None:
    def dense(name: str, source: str, **more: object) -> dict[str, object]:
        return {"type": "inner_product", "name": name, "input": source, "output": name, "output_channels": 8} | more

    spec = {
        "inputs": [{"name": "x", "shape": [8]}],
        "outputs": [{"name": "y", "shape": [8]}],
        "layers": [
            dense("one", "x"),
            dense("two", "one"),
            {"type": "add", "name": "sum", "input": ["one", "two"], "output": "sum"},
            dense("left", "sum"),
            dense("right", "sum"),
            {"type": "add", "name": "all", "input": ["left", "right", "x"], "output": "all"},
            dense("head", "all", updatable=True),
            {"type": "softmax", "name": "softmax", "input": "head", "output": "y"},
        ],
        "loss": {"type": "categorical_cross_entropy"},
        "optimizer": {"type": "sgd", "learning_rate": 0.1, "mini_batch_size": 4},
        "epochs": 1,
    }
    upload(page, "branches.json", json.dumps(spec).encode())
    expect(page.get_by_role("heading", name="branches")).to_be_visible()
    rows = page.locator(".layers > li")
    # From top to bottom, by name: the input, the eight layers, the output.
    followers = [
        row.locator(".name").inner_text() for row in rows.all() if "follows" in (row.get_attribute("class") or "")
    ]
    assert followers == ["one", "two", "sum", "left", "all", "head", "softmax", "y"]
    kinds = [sorted(re.findall(r"\b(in|out|above|below)\b", row.inner_html())) for row in rows.all()]
    assert kinds == [
        ["below", "out"],
        ["above", "below", "below", "out"],
        ["above", "above", "below", "below"],
        ["above", "above", "below", "below", "in", "out"],
        ["above", "above", "below", "below", "below", "out"],
        ["above", "above", "above", "below", "below", "in"],
        ["above", "above", "in", "in"],
        [],
        [],
        [],
    ]

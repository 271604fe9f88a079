"""Datasets: dropped, looked at, deleted."""

import io
from collections.abc import Callable

import httpx2
import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.dashboard.conftest import Api, Faults

DROP = """(zone, [name, bytes]) => {
    const moved = new DataTransfer();
    moved.items.add(new File([new Uint8Array(bytes)], name));
    for (const kind of ["dragover", "drop"]) {
        zone.dispatchEvent(new DragEvent(kind, {dataTransfer: moved, bubbles: true, cancelable: true}));
    }
}"""


def pictures() -> bytes:
    file = io.BytesIO()
    rng = np.random.default_rng(1)
    np.savez(
        file,
        image=rng.integers(0, 256, (12, 1, 16, 16), dtype=np.uint8),
        label=np.array([0, 1, 2] * 3 + [0] * 3, dtype=np.int32),
    )
    return file.getvalue()


def test_a_dataset_is_dropped_looked_at_and_deleted(page: Page, api: Api) -> None:
    page.goto("/#/datasets")
    page.get_by_text("Name and options").click()
    page.get_by_label("Name", exact=True).fill("dropped pictures")
    page.locator(".drop").evaluate(DROP, ["twelve.npz", list(pictures())])
    expect(page.get_by_role("heading", name="dropped pictures")).to_be_visible()
    expect(page.locator(".tiles canvas")).to_have_count(12)
    rows = page.locator(".balance li")
    expect(rows).to_have_text(["06 · 50.0 %", "13 · 25.0 %", "23 · 25.0 %"])
    manifest = httpx2.get(f"{api.url}/datasets/dropped%20pictures").json()
    expect(page.get_by_text(manifest["digest"])).to_be_visible()
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("button", name="Keep it").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("button", name="Delete it").click()
    expect(page.get_by_role("heading", name="Datasets")).to_be_visible()
    assert httpx2.get(f"{api.url}/datasets/{manifest['id']}").status_code == 404


def test_a_table_with_a_fault_says_the_row(page: Page, faults: Faults) -> None:
    faults.expected.append("status of 422")
    page.goto("/#/datasets")
    page.locator(".drop").evaluate(DROP, ["bad.csv", list(b"label,x\n1,2\n1,two\n")])
    expect(page.get_by_role("alert")).to_contain_text("row 3")


def test_a_dataset_of_quantities_is_a_table_without_classes(page: Page, faults: Faults) -> None:
    faults.expected.append("status of 422")
    page.goto("/#/datasets")
    page.get_by_text("Name and options").click()
    page.get_by_label("Target column").fill("price")
    page.locator(".drop").evaluate(DROP, ["sizes.csv", list(b"size,price\n10,0.5\n20,1.5\n")])
    expect(page.get_by_role("region", name="Examples").get_by_role("row")).to_have_count(3)
    expect(page.locator(".balance")).to_contain_text("is no class number")


def test_a_dataset_is_dropped_into_a_new_job(page: Page) -> None:
    page.goto("/#/new")
    zone = page.get_by_role("region", name="Dataset").locator(".drop")
    zone.evaluate(DROP, ["twelve.npz", list(pictures())])
    expect(page.get_by_label("Which").locator("option:checked")).to_have_text("twelve")
    expect(page.locator(".tiles canvas")).to_have_count(12)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["datasets", "datasets/mnist-sample"])
def test_the_pages_are_accessible_and_fit_a_phone(
    scheme: str, path: str, open_page: Callable[..., Page], check_accessibility: Callable[[Page], None]
) -> None:
    page = open_page(color_scheme=scheme, viewport={"width": 360, "height": 740})
    page.goto(f"/#/{path}")
    if path == "datasets":
        expect(page.get_by_role("link", name="mnist-sample")).to_be_visible()
    else:
        expect(page.locator(".balance li")).to_have_count(20)
    check_accessibility(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

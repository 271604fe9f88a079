"""Every page of the dashboard as a picture, light and dark; `make screenshots` keeps them."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page

if TYPE_CHECKING:
    from tests.dashboard.conftest import Api

WIDE, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
# For each page its address, and a selector of an element that appears once the page is complete.
PAGES = {
    "jobs": ("/#/jobs", "tr[data-id]"),
    "job": ("/#/jobs/{job}", ".js-plotly-plot"),
    "compare": ("/#/compare?jobs={job},{other}", ".js-plotly-plot"),
    "new": ("/#/new", "form"),
    "models": ("/#/models", "text=mnist-cnn"),
    "model": ("/#/models/preset:mnist-cnn", ".layers li"),
    "datasets": ("/#/datasets", "text=mnist-sample"),
    "dataset": ("/#/datasets/mnist-sample", "canvas, img"),
    "workers": ("/#/workers", "text=jax"),
    "try": ("/#/try/{job}", "canvas"),
}


@pytest.fixture
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The folder of the screenshots."""
    kept = request.config.getoption("--screenshots")
    path = Path(kept) if kept else tmp_path
    path.mkdir(parents=True, exist_ok=True)
    return path


@pytest.fixture(scope="module")
def jobs(api: "Api", trained_job: str) -> dict[str, str]:
    """Two jobs that differ in their learning rate."""
    hyperparameters = {"epochs": 3, "learning_rate": 0.003}
    other = api.submit(name="digits, faster", hyperparameters=hyperparameters)["id"]
    api.wait(other)
    return {"job": trained_job, "other": str(other)}


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_every_page_renders_for_a_screenshot(
    open_page: Callable[..., Page], jobs: dict[str, str], folder: Path, colours: str
) -> None:
    for width, viewport in (("wide", WIDE), ("phone", PHONE)):
        page = open_page(viewport=viewport, color_scheme=colours, locale="en-GB")
        for name, (address, shown) in PAGES.items():
            page.goto(address.format(**jobs))
            page.locator(shown).first.wait_for()
            page.wait_for_timeout(400)  # charts animate while they are drawn
            picture = page.screenshot(path=folder / f"{name}-{colours}-{width}.png")
            # A screenshot of an empty page has a few kilobytes.
            assert len(picture) > 8_000, name

"""Every page of the dashboard, light and dark, wide and on a phone: its picture, its accessibility and its width.

`make screenshots` keeps the pictures.
"""

from pathlib import Path

import pytest

from tests.dashboard.conftest import PHONE, CheckAccessibility, OpenPage

VIEWPORTS = {"wide": {"width": 1280, "height": 900}, "phone": PHONE}
CHART = ".chart canvas[aria-label*='from']"
# For each page its address, and a selector of an element that appears once the page is complete.
PAGES = {
    "jobs": ("/#/jobs?label=team%3Dvision", "tr[data-id='{job}']"),
    "jobs-none": ("/#/jobs?text=nothing-is-called-so", "text=No job matches"),
    "job": ("/#/jobs/{job}", CHART),
    "compare": ("/#/compare?jobs={job},{other}", CHART),
    "new": ("/#/new?dataset=mnist-sample", ".tiles canvas"),
    "models": ("/#/models", "text=mnist-cnn"),
    "model": ("/#/models/preset:mnist-cnn", ".layers li"),
    "datasets": ("/#/datasets", "text=mnist-sample"),
    "dataset": ("/#/datasets/mnist-sample", ".balance li >> nth=19"),
    "workers": ("/#/workers", "text=jax"),
    "try": ("/#/try/{job}", ".mistakes"),
}


@pytest.fixture
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The folder of the screenshots."""
    kept = request.config.getoption("--screenshots")
    path = Path(kept) if kept else tmp_path
    path.mkdir(parents=True, exist_ok=True)
    return path


@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_every_page_renders_is_accessible_and_fits_a_phone(
    *,
    name: str,
    colours: str,
    open_page: OpenPage,
    check_accessibility: CheckAccessibility,
    trained_job: str,
    slow_job: str,
    folder: Path,
) -> None:
    address, shown = (text.format(job=trained_job, other=slow_job) for text in PAGES[name])
    for width, viewport in VIEWPORTS.items():
        page = open_page(viewport=viewport, color_scheme=colours, locale="en-GB")
        page.goto(address)
        page.locator(shown).first.wait_for()
        picture = page.screenshot(path=folder / f"{name}-{colours}-{width}.png", animations="disabled")
        # A screenshot of an empty page has a few kilobytes.
        assert len(picture) > 8_000
        check_accessibility(page)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

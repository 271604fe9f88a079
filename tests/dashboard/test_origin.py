"""No page links, sends or opens anything outside the service: each control is clicked."""

import re
from contextlib import suppress
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import ElementHandle, Frame, Page, expect
from playwright.sync_api import Error as PlaywrightError

from pippin.models.spec.presets import preset
from tests.dashboard.conftest import Api, Faults

CONTROLS = "a[href], area[href], button, summary, select, input, textarea, [role=button], [role=tab]"
# The first visible control that was not clicked yet; destructive controls come last.
PICK = """([controls, clicked, last]) => {
  const name = (control) => [
    control.tagName,
    control.getAttribute("aria-label") || control.dataset.title || control.textContent.trim().slice(0, 80),
    control.name ?? "",
    control.getAttribute("href") ?? control.getAttribute("type") ?? "",
  ].join(" | ");
  const left = [...document.querySelectorAll(controls)]
    .filter((control) => control.checkVisibility())
    .map((control) => ({ control, name: name(control) }))
    .filter((each) => !clicked.includes(each.name));
  const ends = new RegExp(last, "i");
  return left.find((each) => !ends.test(each.name)) ?? left[0] ?? { control: null, name: "" };
}"""
# Opening a window is recorded, whether or not the browser then allows it.
RECORD = """
globalThis.opened = [];
// Netron replaces it by a function that throws, and playwright needs it.
const evaluate = globalThis.eval;
Object.defineProperty(globalThis, "eval", { get: () => evaluate, set: () => {} });
const open = globalThis.open;
globalThis.open = (address, ...rest) => {
  globalThis.opened.push(String(address));
  return open.call(globalThis, address, ...rest);
};
"""
LEADS = """() => [
  ...[...document.querySelectorAll("a, area")].map((each) => each.href.baseVal ?? each.href),
  ...[...document.querySelectorAll("form")].map((each) => each.action),
  ...[...document.querySelectorAll("[formaction]")].map((each) => each.formAction),
  ...[...document.querySelectorAll("[src]")].map((each) => each.src),
  ...[...document.querySelectorAll("link, base")].map((each) => each.href),
  ...globalThis.opened,
].filter(Boolean).map((address) => new URL(address, location.href).href)"""
LAST = "delete|cancel|drain|submit|train|retry"
LINK = '<a href="mailto:anyone@foreign.example">link'


@pytest.fixture(scope="module")
def job(api: Api) -> str:
    """A job that has succeeded, whose name would be a link in a chart."""
    return str(api.train(name=LINK, hyperparameters={"epochs": 2})["id"])


@pytest.fixture(scope="module")
def model(api: Api) -> str:
    """An uploaded model."""
    spec = preset("mnist-cnn") | {"short_description": "to be clicked on"}
    answer = api.http.post("/models", params={"name": LINK}, json=spec)
    assert answer.status_code in {200, 201}, answer.text
    return str(answer.json()["id"])


class Clicker:
    """Clicks each control of a page, including controls that appear meanwhile; every target must be in the service."""

    def __init__(self, page: Page, service_url: str) -> None:
        self._page = page
        self._service_url = service_url
        page.context.add_init_script(RECORD)

    def click_all(self, address: str, ready: str, most: int) -> list[str]:
        """Click at most `most` controls and return them; ends early when the page has lost its content."""
        page = self._page
        page.goto(address)
        page.wait_for_selector(ready)
        home, clicked = page.url, list[str]()
        while len(clicked) < most and (control := self._unclicked(clicked)) is not None:
            self._click(control)
            page.wait_for_timeout(30)
            self._check()
            if page.url != home:
                page.goto(home)
                with suppress(PlaywrightError):
                    page.wait_for_selector(ready, timeout=5000)
        assert all(each.url.startswith(f"{self._service_url}/") for each in page.context.pages)
        return clicked

    def _unclicked(self, clicked: list[str]) -> ElementHandle | None:
        """A control that is not in `clicked`; it is added to `clicked`."""
        picked = self._page.evaluate_handle(PICK, [CONTROLS, clicked, LAST])
        clicked.append(str(picked.get_property("name").json_value()))
        return picked.get_property("control").as_element()

    def _click(self, control: ElementHandle) -> None:
        try:
            control.click(timeout=500, no_wait_after=True)
        except PlaywrightError:
            # Another element covers the control, or the control has just been removed.
            with suppress(PlaywrightError):
                control.dispatch_event("click")

    def _check(self) -> None:
        for frame in self._page.frames:
            for address in _leads(frame) if frame.url.startswith("http") else []:
                scheme, host = urlsplit(address)[:2]
                inside = (
                    scheme in {"blob", "data"}
                    or address == "javascript:void(0)"
                    or f"{scheme}://{host}" == self._service_url
                )
                assert inside, f"{frame.url} leads to {address}"


def _leads(frame: Frame) -> list[str]:
    """The targets of a frame's links, forms and windows; empty for a frame that is navigating."""
    try:
        return list(frame.evaluate(LEADS))
    except PlaywrightError as error:
        if not re.search("context was destroyed|detached", str(error)):
            raise
        return []


@pytest.mark.parametrize(
    ("address", "ready"),
    [
        ("/#/jobs", "h1"),
        ("/#/jobs/{job}", ".chart-tools button"),
        ("/#/compare?jobs={job},{trained_job}", ".chart-tools button"),
        ("/#/new", "form"),
        ("/#/models", "h1"),
        ("/#/models/preset:mnist-cnn", "h1"),
        ("/#/models/{model}", "h1"),
        ("/#/try/{job}", "main h2"),
        ("/#/datasets", "h1"),
        ("/#/datasets/mnist-sample", "h1"),
        ("/#/workers", "h1"),
        ("/docs", ".opblock-summary"),
        ("/netron/?url=/models/{model}/file&identifier=model.mlmodel", "#canvas .node"),
    ],
)
def test_no_control_links_outside_the_service(
    *,
    api: Api,
    job: str,
    trained_job: str,
    model: str,
    page: Page,
    faults: Faults,
    address: str,
    ready: str,
) -> None:
    # Requests from clicks may be refused; `open_page` checks at the end that none went to another host.
    faults.expected += [r"status of 4\d\d", r"ERR_ABORTED", "fetch"]
    before = api.job_ids()
    place = address.format(job=job, trained_job=trained_job, model=model)
    # On the API's page a click on an operation opens a form that could delete objects that other tests need.
    assert Clicker(page, api.url).click_all(place, ready, 15 if address == "/docs" else 200)
    for job_id in api.job_ids() - before:
        api.cancel(job_id)


def test_a_name_is_plain_text_in_a_chart(page: Page, job: str, trained_job: str) -> None:
    page.goto(f"/#/compare?jobs={job},{trained_job}")
    expect(page.locator(".chart-legend")).to_contain_text(LINK)
    assert page.locator(".chart a").count() == 0


@pytest.mark.parametrize("address", ["/#/jobs", "/netron/"])
def test_no_script_opens_a_window(page: Page, faults: Faults, address: str) -> None:
    faults.expected += ["Blocked opening", "Failed to load", "No file"]
    page.goto(address)
    assert page.evaluate("() => window.open('https://foreign.example/')") is None
    assert len(page.context.pages) == 1

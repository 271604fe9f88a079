"""Several tabs of the dashboard: a browser has six connections for all of them."""

from playwright.sync_api import BrowserContext, Page, expect

from tests.dashboard.conftest import Api


def submit_waiting(api: Api, count: int) -> list[str]:
    """Jobs that no worker takes, so that their streams stay open."""
    return [api.submit(name=f"live {n}", engine="coreml")["id"] for n in range(count)]


def open_tab(context: BrowserContext, job_id: str) -> Page:
    page = context.new_page()
    page.goto(f"/#/jobs/{job_id}")
    expect(page.get_by_role("heading", level=1)).to_contain_text("live")
    return page


def test_six_live_tabs_leave_room_for_a_seventh(page: Page, api: Api) -> None:
    jobs = submit_waiting(api, 7)
    tabs = [open_tab(page.context, job_id) for job_id in jobs]
    for job_id in jobs:
        api.cancel(job_id)
    # Each tab shows the change: over a stream, or by asking.
    for tab in tabs:
        expect(tab.get_by_role("status").filter(has_text="cancelled")).to_be_visible()
    for job_id in jobs:
        api.forget(job_id)


def test_a_hidden_tab_closes_its_stream_and_catches_up(page: Page, api: Api) -> None:
    [job_id] = submit_waiting(api, 1)
    # Chromium shows every tab without a window as visible.
    page.add_init_script(
        "let hidden = false; Object.defineProperty(document, 'hidden', {get: () => hidden});"
        "window.hide = (now) => { hidden = now; document.dispatchEvent(new Event('visibilitychange')); };"
        "window.streams = []; const Plain = EventSource;"
        "window.EventSource = class extends Plain { constructor(url) { super(url); window.streams.push(this); } };"
        "window.EventSource.CLOSED = Plain.CLOSED;"
    )
    page.goto(f"/#/jobs/{job_id}")
    page.wait_for_function("() => window.streams.length === 1 && window.streams[0].readyState === 1")
    page.evaluate("window.hide(true)")
    page.wait_for_function("() => window.streams[0].readyState === 2")
    api.cancel(job_id)
    page.evaluate("window.hide(false)")
    expect(page.get_by_role("status").filter(has_text="cancelled")).to_be_visible()
    urls = page.evaluate("window.streams.map(({url}) => url)")
    assert len(urls) == 2
    assert "after=" in urls[1]
    api.forget(job_id)

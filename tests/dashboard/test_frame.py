"""The frame that all pages share."""

from playwright.sync_api import Page, expect

from tests.dashboard.conftest import OpenPage


def test_the_service_shows_the_dashboard_at_its_root(page: Page) -> None:
    page.goto("/")
    expect(page.get_by_role("navigation", name="Pages")).to_be_visible()
    expect(page).to_have_title("Jobs · Pippin")


def test_skip_link_moves_keyboard_focus_to_the_content(page: Page) -> None:
    page.goto("/#/jobs")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    skip = page.get_by_role("link", name="Skip to the content")
    for _ in range(20):
        page.keyboard.press("Shift+Tab")
        if skip.evaluate("link => link === document.activeElement"):
            break
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    assert page.evaluate("location.hash") == "#/jobs"


def test_theme_follows_the_system_until_one_is_chosen(open_page: OpenPage) -> None:
    page = open_page(color_scheme="dark")
    page.goto("/#/jobs")
    background = "getComputedStyle(document.documentElement).backgroundColor"
    dark = page.evaluate(background)
    page.get_by_role("button", name="Colours: system").click()
    light = page.evaluate(background)
    assert light != dark
    page.reload()
    expect(page.get_by_role("button", name="Colours: light")).to_be_visible()
    assert page.evaluate(background) == light
    page.get_by_role("button", name="Colours: light").click()
    assert page.evaluate(background) == dark


def test_footer_shows_the_service_version(page: Page) -> None:
    page.route("**/healthz", lambda route: route.fulfill(json={"status": "ok", "version": "1.2.3"}))
    page.goto("/#/jobs")
    expect(page.get_by_role("contentinfo")).to_have_text("Pippin 1.2.3")


def test_an_unknown_page_is_reported(page: Page) -> None:
    page.goto("/#/nowhere")
    expect(page.get_by_role("alert")).to_contain_text("There is no page /nowhere")

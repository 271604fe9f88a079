"""Netron as served, without links or requests to other hosts."""

import re

import httpx2
import pytest

from service.dashboard.netron import without_cache_buster
from tests.support.problems import is_problem


def test_page_has_no_date_and_version_0_0_0(http: httpx2.Client) -> None:
    answer = http.get("/netron/")
    assert re.findall(r'<meta name="(version|date)" content="([^"]*)">', answer.text) == [("version", "0.0.0")]
    assert "Content-Security-Policy" not in answer.text
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'; script-src 'self';" in policy
    assert "frame-ancestors 'self'" in policy
    assert "http" not in policy
    assert answer.headers["x-frame-options"] == "SAMEORIGIN"


def test_consent_cookie_is_limited_to_the_netron_folder(http: httpx2.Client) -> None:
    cookie = http.get("/netron/").headers["set-cookie"].lower()
    assert cookie.startswith("consent=1")
    assert "path=" not in cookie
    assert "expires=" not in cookie
    assert "max-age=" not in cookie


def test_model_is_requested_without_a_cache_busting_parameter(http: httpx2.Client) -> None:
    assert "url = `${url}${separator}cb=" not in http.get("/netron/browser.js").text
    with pytest.raises(ValueError, match=r"needs netron 9\.3"):
        without_cache_buster("// another browser.js")


@pytest.mark.parametrize("name", ["server.py", "__init__.py", "..%2Fnetron%2Fserver.py", "nothing.js"])
def test_files_that_the_page_does_not_need_are_not_served(name: str, http: httpx2.Client) -> None:
    is_problem(http.get(f"/netron/{name}"), 404, "not-found")


def test_page_assets_are_served(http: httpx2.Client) -> None:
    for name, kind in (("coreml.js", "text/javascript"), ("grapher.css", "text/css"), ("icon.png", "image/png")):
        answer = http.get(f"/netron/{name}")
        assert (answer.status_code, answer.headers["content-type"].split(";")[0]) == (200, kind)

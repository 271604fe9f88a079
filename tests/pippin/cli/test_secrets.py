"""No error about Redis shows the password of its address."""

from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from typer.testing import Result

SECRET = "hunter2%2Fhunter2"


@pytest.mark.parametrize(
    ("address", "code", "said"),
    [
        (f"redis://user:{SECRET}@127.0.0.1:1/0", 4, "cannot be reached"),
        (f"redis://:{SECRET}@127.0.0.1:{{port}}/0", 4, "invalid"),
        (f"rediss://user:{SECRET}@127.0.0.1:{{port}}/0", 4, "Redis"),
        (f"redis://:{SECRET}@127.0.0.1:{{port}}/0?ssl_caa=x", 2, "no option of it"),
        (f"http://:{SECRET}@127.0.0.1:{{port}}/0", 2, "PIPPIN_REDIS_URL"),
        (f"redis://:{SECRET}@127.0.0.1:port/0", 2, "PIPPIN_REDIS_URL"),
        ("redis://:hunter2/hunter2@127.0.0.1:{port}/0", 2, "percent-encode"),
        (f"redis://:{SECRET}@[127.0.0.1/0", 2, "PIPPIN_REDIS_URL"),
    ],
)
def test_a_wrong_address_is_told_without_its_password(
    *,
    invoke: Callable[..., Result],
    valkey_url: str,
    monkeypatch: pytest.MonkeyPatch,
    address: str,
    code: int,
    said: str,
) -> None:
    monkeypatch.setenv("PIPPIN_REDIS_URL", address.format(port=urlsplit(valkey_url).port))
    refused = invoke("tokens", "list")
    assert "hunter2" not in refused.output + refused.stderr + repr(refused.exception)
    assert refused.exit_code == code, refused.output
    assert said in refused.stderr

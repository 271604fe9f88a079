"""No error about Redis shows the password of its address."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from typer.testing import Result

from tests.support.environment import clean_environment

SECRET = "hunter2%2Fhunter2"


@pytest.mark.full
@pytest.mark.parametrize(
    ("address", "code", "said"),
    [
        (f"redis://user:{SECRET}@127.0.0.1:1/0", 4, "cannot be reached"),
        (f"redis://:{SECRET}@127.0.0.1:{{port}}/0", 4, "invalid"),
        (f"rediss://user:{SECRET}@127.0.0.1:{{port}}/0", 4, "Redis"),
        (f"redis://:{SECRET}@127.0.0.1:{{port}}/0?ssl_caa=x", 2, "it has no option"),
        (f"http://:{SECRET}@127.0.0.1:{{port}}/0", 2, "PIPPIN_REDIS_URL"),
        (f"redis://:{SECRET}@127.0.0.1:port/0", 2, "PIPPIN_REDIS_URL"),
        ("redis://:hunter2/hunter2@127.0.0.1:{port}/0", 2, "percent-encode"),
        (f"redis://:{SECRET}@[127.0.0.1/0", 2, "PIPPIN_REDIS_URL"),
    ],
)
def test_error_about_a_redis_url_hides_the_password(
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


# Python parses the first as the port 4711 and the path "/qXzK9vWj@…", and quotes the second in an error message.
@pytest.mark.parametrize("password", ["4711/qXzK9vWj", "qXzK9vWj℀", "qXzK@9vWj", "qXzK#9vWj"])
@pytest.mark.parametrize(
    "command",
    [("doctor",), ("tokens", "list"), ("up", "--port", "0"), ("jobs",), ("backup", "there"), ("blobs", "list")],
    ids=" ".join,
)
def test_no_command_prints_a_part_of_an_unencoded_password(
    *, invoke: Callable[..., Result], monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...], password: str
) -> None:
    monkeypatch.setenv("PIPPIN_REDIS_URL", f"redis://:{password}@127.0.0.1:1/0")
    refused = invoke(*command)
    printed = refused.output + refused.stderr + repr(refused.exception)
    assert refused.exit_code
    assert "percent-encode" in " ".join(printed.split())
    assert not [piece for piece in ("4711", "qXzK", "9vWj") if piece in printed]


@pytest.mark.full
@pytest.mark.parametrize("module", ["service", "worker", "worker.health"])
def test_no_process_prints_a_part_of_an_unencoded_password(module: str, tmp_path: Path) -> None:
    variables = {"PIPPIN_REDIS_URL": "redis://:4711/qXzK9vWj@127.0.0.1:1/0", "PIPPIN_HOME": str(tmp_path)}
    clean = clean_environment()
    refused = subprocess.run(
        [sys.executable, "-m", module], env=clean | variables, capture_output=True, text=True, check=False
    )
    printed = refused.stdout + refused.stderr
    assert refused.returncode
    assert "percent-encode" in printed
    assert not [piece for piece in ("4711", "qXzK", "9vWj") if piece in printed]

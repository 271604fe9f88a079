"""No error about Redis shows the password of its address."""

import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.pippin.cli.conftest import Invoke
from tests.support.environment import clean_environment
from tests.support.processes import module

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
    invoke: Invoke,
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
@pytest.mark.usefixtures("without_engine_check")
@pytest.mark.parametrize("password", ["4711/qXzK9vWj", "qXzK9vWj℀", "qXzK@9vWj", "qXzK#9vWj"])
@pytest.mark.parametrize("command", ["doctor", "tokens list", "up --port 0", "jobs", "backup there", "blobs list"])
def test_no_command_prints_a_part_of_an_unencoded_password(
    *, invoke: Invoke, monkeypatch: pytest.MonkeyPatch, command: str, password: str
) -> None:
    monkeypatch.setenv("PIPPIN_REDIS_URL", f"redis://:{password}@127.0.0.1:1/0")
    refused = invoke(*command.split())
    printed = refused.output + refused.stderr + repr(refused.exception)
    assert refused.exit_code
    assert "percent-encode" in " ".join(printed.split())
    assert not [piece for piece in ("4711", "qXzK", "9vWj") if piece in printed]


@pytest.mark.full
@pytest.mark.parametrize("name", ["service", "worker", "worker.health"])
def test_no_process_prints_a_part_of_an_unencoded_password(name: str, tmp_path: Path) -> None:
    environment = clean_environment(PIPPIN_REDIS_URL="redis://:4711/qXzK9vWj@127.0.0.1:1/0", PIPPIN_HOME=str(tmp_path))
    refused = subprocess.run(module(name), env=environment, capture_output=True, text=True, check=False)
    printed = refused.stdout + refused.stderr
    assert refused.returncode
    assert "percent-encode" in printed
    assert not [piece for piece in ("4711", "qXzK", "9vWj") if piece in printed]

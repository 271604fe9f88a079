"""The doctor's check of Redis, with a real Valkey and with addresses without a server."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from pippin.cli.doctor.findings import Finding, Level
from pippin.cli.doctor.servers import check_redis
from pippin.store import connect
from tests.support.paths import WORKER_ACL


def by_check(findings: list[Finding]) -> dict[str, Finding]:
    return {finding.check: finding for finding in findings}


@pytest.fixture
def configure(valkey_url: str) -> Iterator[Callable[[str, str], None]]:
    """Changes the server's configuration until the test ends."""
    client: Any = connect(valkey_url)
    before: dict[str, str] = {}

    def change(name: str, value: str) -> None:
        before.setdefault(name, client.config_get(name)[name])
        client.config_set(name, value)

    yield change
    for name, value in before.items():
        client.config_set(name, value)
    client.close()


def test_healthy_server_is_ok_and_its_password_is_not_shown(valkey_url: str) -> None:
    findings = by_check(check_redis(valkey_url))
    assert set(findings) == {"redis", "redis data", "clock"}
    assert all(finding.level is Level.OK for finding in findings.values())
    assert findings["redis"].result.startswith("Valkey 9.1")
    assert str(urlsplit(valkey_url).password) not in repr(findings)


def test_missing_redis_url_is_a_warning() -> None:
    (finding,) = check_redis(None)
    assert finding.level is Level.WARNING
    assert "PIPPIN_REDIS_URL" in finding.result


def test_unreachable_redis_is_a_fault(unused_port: int) -> None:
    (finding,) = check_redis(f"redis://:s3cret@127.0.0.1:{unused_port}/0")
    assert finding.level is Level.FAULT
    assert "cannot be reached" in finding.result
    assert "firewall" in finding.advice
    assert "s3cret" not in repr(finding)


def test_wrong_password_has_its_own_advice(valkey_url: str) -> None:
    port = urlsplit(valkey_url).port
    for wrong in (f"redis://:wr0ng@127.0.0.1:{port}/0", f"redis://127.0.0.1:{port}/0"):
        (finding,) = check_redis(wrong)
        assert finding.level is Level.FAULT
        assert "password" in finding.advice
        assert "wr0ng" not in repr(finding)


def test_missing_socket_is_a_fault(tmp_path: Path) -> None:
    (finding,) = check_redis(f"unix://{tmp_path}/nothing")
    assert finding.level is Level.FAULT
    assert "socket" in finding.advice


def test_evicting_server_is_a_fault(valkey_url: str, configure: Callable[[str, str], None]) -> None:
    configure("maxmemory-policy", "allkeys-lru")
    finding = by_check(check_redis(valkey_url))["redis data"]
    assert finding.level is Level.FAULT
    assert "allkeys-lru" in finding.result
    assert "noeviction" in finding.advice


def test_server_without_append_only_file_is_a_warning(valkey_url: str, configure: Callable[[str, str], None]) -> None:
    configure("appendonly", "no")
    finding = by_check(check_redis(valkey_url))["redis data"]
    assert finding.level is Level.WARNING
    assert "appendonly yes" in finding.advice


def test_worker_user_cannot_read_the_configuration(valkey_url: str) -> None:
    client: Any = connect(valkey_url)
    _, name, *rules = WORKER_ACL.read_text().split()
    try:
        client.execute_command("ACL", "SETUSER", name, *rules, ">w0rker")
        url = f"redis://{name}:w0rker@127.0.0.1:{urlsplit(valkey_url).port}/0"
        findings = by_check(check_redis(url))
    finally:
        client.execute_command("ACL", "DELUSER", name)
        client.close()
    assert findings["redis"].level is Level.OK
    assert "of unknown version" in findings["redis"].result
    assert findings["redis data"].level is Level.WARNING
    assert "cannot be read" in findings["redis data"].result
    assert findings["clock"].level is Level.OK


@pytest.mark.parametrize(
    ("skew", "level", "word"),
    [(0, Level.OK, "s "), (20, Level.WARNING, "ahead of"), (-20, Level.WARNING, "behind"), (300, Level.FAULT, "ahead")],
)
def test_clock_skew_is_reported_with_its_direction(valkey_url: str, skew: float, level: Level, word: str) -> None:
    finding = by_check(check_redis(valkey_url, lambda: time.time() + skew))["clock"]
    assert finding.level is level
    assert word in finding.result
    assert finding.advice == "" or "Date & Time" in finding.advice


def test_slow_reply_is_no_clock_skew(valkey_url: str) -> None:
    readings = iter([time.time(), time.time() + 30])
    assert by_check(check_redis(valkey_url, lambda: next(readings)))["clock"].level is Level.OK

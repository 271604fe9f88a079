import json
import subprocess
import sys

import pytest

from pippin.api.tokens import issue
from pippin.system.logs import masked

_SETUP = "import logging, structlog, threading; from pippin.system.logs import configure; configure('debug', FORM);"


def stderr_of(program: str, form: str = "json") -> str:
    command = [sys.executable, "-c", _SETUP.replace("FORM", repr(form)) + program]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=60).stderr


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("redis://:hunter2@host:6379/0", "redis://:***@host:6379/0"),
        ("rediss://worker:p%40ss@host/0 was refused", "rediss://worker:***@host/0 was refused"),
        ("https://host:8000/jobs?x=a@b", "https://host:8000/jobs?x=a@b"),
        ("{'authorization': 'Bearer abcdefgh.ijkl'}", "{'authorization': 'Bearer ***'}"),
        ("a bearer token is needed", "a bearer token is needed"),
        ("Error 111 connecting to 10.0.0.5:6379. Refused.", "Error 111 connecting to *** Refused."),
        ("Error while reading from db.local:6379 : (104, 'reset')", "Error while reading from *** : (104, 'reset')"),
        ("Error 2 connecting to unix socket: /run/r.sock. No file", "Error 2 connecting to unix socket: *** No file"),
    ],
)
def test_secrets_are_masked_by_their_form(text: str, shown: str) -> None:
    assert masked(text) == shown


def test_log_masking_keeps_the_token_id() -> None:
    token = issue("worker", None)
    shown = f"it showed pippin_{token.record.id.removeprefix('token_')}_***"
    assert masked(f"it showed {token.text}") == shown
    assert token.text not in shown


def test_no_secret_is_logged_by_any_logger_or_exception_hook() -> None:
    secret = "redis://:hunter2@host"
    log = stderr_of(
        f"""
structlog.get_logger().info('at {secret}', address='{secret}', nested={{'a': ['{secret}']}})
logging.getLogger('other').warning('at %s', '{secret}')
try:
    raise ValueError('{secret}')
except ValueError:
    structlog.get_logger().exception('failed')
thread = threading.Thread(target=lambda: int('{secret}'), name='helper')
thread.start()
thread.join()
raise RuntimeError('{secret}')
"""
    )
    assert "hunter2" not in log
    lines = [json.loads(line) for line in log.splitlines()]
    events = ["at redis://:***@host", "at redis://:***@host", "failed", "uncaught in a thread", "uncaught"]
    assert [line["event"] for line in lines] == events
    assert lines[3]["thread"] == "helper"
    assert "RuntimeError: redis://:***@host" in lines[4]["exception"]


@pytest.fixture(scope="module")
def logs() -> dict[str, str]:
    """What a program logs whose client sends control characters, by the form of the log."""
    evil = r"'/a\n2026-01-01 [error] forged \x1b]0;title\x07 \x9b31m \u202e'"
    program = f"""
structlog.get_logger().info('happened', job='job_1')
structlog.get_logger().info('request', path={evil}, nested=[{evil}])
logging.getLogger('other').warning('at %s', {evil})
try:
    raise ValueError({evil})
except ValueError:
    structlog.get_logger().exception('failed')
"""
    return {form: stderr_of(program, form) for form in ("console", "json")}


def test_console_form_is_readable_text(logs: dict[str, str]) -> None:
    first, *_ = logs["console"].splitlines()
    assert "happened" in first
    assert "job=job_1" in first
    assert not first.startswith("{")
    assert "\x1b" not in first


@pytest.mark.parametrize("form", ["console", "json"])
def test_client_text_forges_no_log_line_and_no_control_sequence(logs: dict[str, str], form: str) -> None:
    log = logs[form]
    assert not any(control in log for control in "\x1b\x07\x9b\u202e")
    assert not [line for line in log.splitlines() if line.startswith(("2026-01-01", "forged"))]
    assert log.count("forged") == 4

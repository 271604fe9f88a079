import json

import pytest

from pippin.cli.running import format_log_line

ENTRY = {"timestamp": "2026-11-23T10:31:07Z", "event": "lease lost", "level": "warning", "logger": "worker", "job": "j"}


def test_log_line_shows_time_event_and_fields() -> None:
    shown = format_log_line(json.dumps(ENTRY))
    assert shown.endswith(":31:07 warning: lease lost  job=j")
    assert format_log_line(json.dumps(ENTRY | {"level": "info"})).endswith(":31:07 lease lost  job=j")


def test_traceback_follows_on_separate_lines() -> None:
    shown = format_log_line(json.dumps(ENTRY | {"exception": "Traceback:\n  boom"}))
    assert shown.splitlines()[1:] == ["    Traceback:", "      boom"]


def test_client_text_stays_in_its_line() -> None:
    evil = "/a\n10:31:08 forged\x1b]0;title\x07"
    shown = format_log_line(json.dumps(ENTRY | {"path": evil, "exception": f"ValueError: {evil}"}))
    assert "\x1b" not in shown
    assert [line for line in shown.splitlines() if line.startswith("10:31:08")] == []


@pytest.mark.parametrize("line", ["plain", "", "[1]", "{}", '{"event": "x"}', '{"event": "x", "timestamp": 3}', "null"])
def test_other_lines_are_not_changed(line: str) -> None:
    assert format_log_line(line) == line

"""Makes the parts' log lines, one JSON object each, easy to read for the person in front of `pippin up`."""

import json
from datetime import datetime

from pippin.system.logs import indented
from pippin.system.terminal import printable

_STANDARD = {"event", "level", "timestamp", "logger", "exception"}


def readable(line: str) -> str:
    """`line` as `10:31:07 warning: what happened  key=value`; unchanged when it is no log line of ours."""
    try:
        entry = json.loads(line)
        moment = datetime.fromisoformat(entry["timestamp"]).astimezone()
        event = entry["event"]
    except (ValueError, TypeError, KeyError):
        return line
    level = "" if entry.get("level") in {None, "info", "debug"} else f"{entry['level']}: "
    rest = "".join(f"  {key}={value}" for key, value in entry.items() if key not in _STANDARD)
    exception = f"\n{indented(entry['exception'])}" if "exception" in entry else ""
    return f"{moment:%H:%M:%S} {printable(f'{level}{event}{rest}')}{exception}"

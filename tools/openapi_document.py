"""Writes docs/openapi.json from the routes of the service; with --check, only compares."""

import sys
from pathlib import Path

from pippin.settings import Settings
from service.app import create_app
from service.openapi import rendered

DOCUMENT = Path(__file__).parents[1] / "docs" / "openapi.json"


def main() -> None:
    """Write or compare the document."""
    expected = rendered(create_app(Settings()).openapi())
    if "--check" not in sys.argv:
        DOCUMENT.write_text(expected, encoding="utf-8")
    elif not DOCUMENT.exists() or DOCUMENT.read_text(encoding="utf-8") != expected:
        sys.exit("docs/openapi.json does not describe the routes as they are: run `make openapi`")


if __name__ == "__main__":
    main()

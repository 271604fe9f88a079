"""Writes the table of settings into README.md, from the fields of `Settings`; with --check, only compares."""

import sys
from pathlib import Path

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from pippin.settings import PREFIX, Settings

README = Path(__file__).parents[1] / "README.md"
BEGIN, END = "<!-- settings: written by `make settings` -->\n", "<!-- end of settings -->"


def default_of(field: FieldInfo) -> str:
    """The default as a person would write it; nothing where the description tells it."""
    if field.default in {None, PydanticUndefined, ()}:
        return ""
    return f"`{field.default}`"


def table() -> str:
    """The settings as a Markdown table."""
    rows = [
        f"| `{PREFIX}{name.upper()}` | {default_of(field)} | {field.description} |"
        for name, field in Settings.model_fields.items()
    ]
    return "\n".join(["| variable | default | |", "|---|---|---|", *rows]) + "\n"


def main() -> None:
    """Write or compare."""
    text = README.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    wanted = before + BEGIN + table() + END + after
    if "--check" not in sys.argv:
        README.write_text(wanted, encoding="utf-8")
    elif text != wanted:
        sys.exit("README.md does not list the settings as they are: run `make settings`")


if __name__ == "__main__":
    main()

"""Writes the two lists of decisions, in docs/decisions/index.md and zensical.toml, from the titles of the pages."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "decisions"
SITE = ROOT / "zensical.toml"
BEGIN, END = "      # Written by `make decisions`.\n", "      # End of the decisions.\n"

_INTRODUCTION = """\
<!-- Written by `make decisions` from the titles of the pages. -->
# Decisions

The reasons for Pippin's design. Each page has the context, the decision and its consequences. A page stays when a later
decision supersedes it, and then names that one; paths in all pages are those of today.

"""


def main() -> None:
    """Write both lists."""
    titles = {path.name: title_of(path) for path in sorted(FOLDER.glob("[0-9]*.md"))}
    lines = (f"- [{title}]({name})\n" for name, title in titles.items())
    (FOLDER / "index.md").write_text(_INTRODUCTION + "".join(lines), encoding="utf-8")
    before, rest = SITE.read_text(encoding="utf-8").split(BEGIN)
    after = rest.split(END)[1]
    entries = "".join(f'      {{ "{title}" = "decisions/{name}" }},\n' for name, title in titles.items())
    SITE.write_text(before + BEGIN + entries + END + after, encoding="utf-8")


def title_of(path: Path) -> str:
    """The title, which begins with the number of the file name."""
    title = path.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")
    if not re.match(rf"{int(path.name[:4])}\. \S", title):
        sys.exit(f"docs/decisions/{path.name}: its first line must be `# {int(path.name[:4])}. Title`")
    return title


if __name__ == "__main__":
    main()

"""Checks the documentation against the product."""

import re
import runpy
import sys
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
import typer

from pippin.cli.app import app
from pippin.settings import PREFIX, Settings
from tests.support.paths import DOCS, ROOT

COMMAND: Any = typer.main.get_command(app)
PAGES = {path.relative_to(DOCS).as_posix(): path.read_text(encoding="utf-8") for path in sorted(DOCS.rglob("*.md"))}

_FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)


def prose(page: str) -> str:
    """A page without its blocks of code."""
    return _FENCE.sub("", PAGES[page])


def code(page: str) -> Iterator[str]:
    """Code spans, each on one line, and the lines of shell blocks without trailing comments."""
    for span in re.findall(r"`([^`]+)`", prose(page)):
        yield " ".join(span.split())
    for _, language, block in _FENCE.findall(PAGES[page]):
        if language == "sh":
            yield from (line.partition("  #")[0] for line in block.replace("\\\n", " ").splitlines())


def anchors(page: str) -> list[str]:
    """The anchors of the headings, on the site and on a code host."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]


def commands() -> list[str]:
    """The words after `pippin` wherever the documentation names a command."""
    named = re.compile(r"(?:^|[\s(/])pippin ((?:[a-z]|--)[^|>)\"]*)")
    return sorted({words.strip() for page in PAGES for line in code(page) for words in named.findall(line)})


def pages_of(nav: list[dict[str, Any]]) -> Iterator[str]:
    for entry in nav:
        for target in entry.values():
            if isinstance(target, str):
                yield target
            else:
                yield from pages_of(target)


NO_PATHS = {
    *("pippin/owner.json", "pippin/guest.json", "pippin/generation.json"),  # objects in the blob store
    *("worker.env", "pippin.example.com", "pippin.initial_seed"),  # a file on a Mac, a host, a model's metadata
}
"""Code spans that only look like a file or a module of the repository."""

_PATH = re.compile(r"(?:pippin|service|worker|tests|tools|deploy|benchmarks|examples|docs)/[\w./-]+")
_MODULE = re.compile(r"(?:pippin|service|worker)(?:\.[a-z0-9_]+)+")


def repository_paths(page: str) -> Iterator[str]:
    """The files and folders of the repository that a page names, modules as the folder or file that holds them."""
    for line in code(page):
        if line in NO_PATHS:
            continue
        if _PATH.fullmatch(line):
            yield line
        elif _MODULE.fullmatch(line):
            yield _file_of(line)


def _file_of(name: str) -> str:
    """The file of the longest prefix of a dotted name that is a package or module."""
    parts = name.split(".")
    for end in range(len(parts), 1, -1):
        path = "/".join(parts[:end])
        if (ROOT / path).is_dir() or (ROOT / f"{path}.py").is_file():
            return path if (ROOT / path).is_dir() else f"{path}.py"
    return "/".join(parts)


@pytest.mark.parametrize("page", PAGES)
def test_every_path_exists(page: str) -> None:
    missing = sorted({path for path in repository_paths(page) if not (ROOT / path).exists()})
    assert missing == []


def test_every_page_is_in_the_navigation_once() -> None:
    site = tomllib.loads((ROOT / "zensical.toml").read_text(encoding="utf-8"))
    assert sorted(pages_of(site["project"]["nav"])) == sorted(PAGES), "of decisions: run `make decisions`"


@pytest.mark.parametrize("page", PAGES)
def test_every_page_has_one_title(page: str) -> None:
    assert len(re.findall(r"^# ", prose(page), re.MULTILINE)) == 1


@pytest.mark.parametrize("page", PAGES)
def test_every_link_has_a_target(page: str) -> None:
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = ((DOCS / page).parent / name).resolve() if name else DOCS / page
        relative = target.relative_to(DOCS).as_posix() if target.is_relative_to(DOCS) else None
        if relative is None or not target.is_file() or (anchor and anchors(relative).count(anchor) != 1):
            broken.append(link)
    assert broken == []


def test_decisions_are_all_listed_by_title() -> None:
    listed = {
        name: title for title, name in re.findall(r"^- \[(.+)\]\((.+)\)$", PAGES["decisions/index.md"], re.MULTILINE)
    }
    titles = {
        page.rpartition("/")[2]: text.partition("\n")[0].removeprefix("# ")
        for page, text in PAGES.items()
        if re.match(r"decisions/\d", page)
    }
    assert listed == titles, "run `make decisions`"


@pytest.mark.parametrize("words", commands())
def test_every_command_exists_with_its_options(words: str) -> None:
    command = COMMAND
    context = command.make_context("pippin", ["jobs"])
    rest = words.split()
    while rest and hasattr(command, "resolve_command"):
        if rest[0].startswith("--"):
            break
        _, command, rest = command.resolve_command(context, rest)
        context = type(context)(command, parent=context)
    command.make_parser(context).parse_args(args=rest)


@pytest.mark.parametrize("tool", ["blocking_client", "rest_reference", "settings_table"])
def test_generated_files_are_current(tool: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", [tool, "--check"])
    fault = None
    try:
        runpy.run_path(str(ROOT / "tools" / f"{tool}.py"), run_name="__main__")
    except SystemExit as end:
        fault = end.code
    assert not fault


@pytest.mark.parametrize("page", PAGES)
def test_every_setting_exists(page: str) -> None:
    named = set(re.findall(rf"\b{PREFIX}([A-Z_]+[A-Z])\b", PAGES[page]))
    assert {name.lower() for name in named} <= set(Settings.model_fields)


@pytest.mark.parametrize("page", PAGES)
def test_every_make_target_exists(page: str) -> None:
    named = {target for line in code(page) for target in re.findall(r"^make ([a-z-]+)", line)}
    assert named <= set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))

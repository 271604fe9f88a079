"""Static checks of the dashboard's scripts for mistakes that raise no error at run time."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import service.dashboard

SCRIPTS = sorted((Path(service.dashboard.__file__).parent / "app").rglob("*.js"))
_TEXT = re.compile(r"""//[^\n]*|/\*.*?\*/|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'""", re.DOTALL)


def never_nullish(script: str) -> Iterator[str]:
    """Each `(a && b) ?? c`, and the same with `||`, a comparison or `!`: false is not nullish, so c is never taken."""
    code = _TEXT.sub(lambda match: " " * len(match[0]), script)
    for match in re.finditer(r"\)\s*\?\?", code):
        begin = _opening(code, match.start())
        group = code[begin : match.start() + 1]
        is_call = re.search(r"[\w$\])]$", code[:begin])
        if not is_call and re.search(r"&&|\|\||[!=]==?|[<>](?!=?>)|^\(\s*!", group):
            yield script[begin : match.end()]


def _opening(code: str, end: int) -> int:
    """The position of the opening bracket for the closing one at `end`."""
    depth = 0
    for at in range(end, -1, -1):
        depth += {")": 1, "(": -1}.get(code[at], 0)
        if depth == 0:
            return at
    raise AssertionError(f"unbalanced before {code[end : end + 20]!r}")


@pytest.mark.parametrize(
    ("script", "count"),
    [
        ("x = (isTarget && labels[n]) ?? n;", 1),
        ("x = (a\n  && f(b)) ?? c;", 1),
        ("x = (a || b) ??\n c;", 1),
        ("x = (a === b) ?? c; y = (!a) ?? c;", 2),
        ("return (a && b) ?? c;", 1),
        ("x = f(a && b) ?? c;", 0),
        ("x = (a ? b : null) ?? c;", 0),
        ("x = (await get(a)) ?? c; // (a && b) ?? c", 0),
        ('x = "(a && b) ?? c";', 0),
    ],
)
def test_never_nullish_operands_are_detected(script: str, count: int) -> None:
    assert len(list(never_nullish(script))) == count


def test_no_script_applies_nullish_coalescing_to_a_boolean() -> None:
    assert len(SCRIPTS) > 40
    found = {script.name: list(never_nullish(script.read_text())) for script in SCRIPTS}
    assert {name: places for name, places in found.items() if places} == {}

"""The table: one row a layer type and mode. A new type adds its rows to the file of its kind."""

from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from tests.pippin.models.layers.case import Case

CASES: list[Case] = [
    case
    for path in sorted(Path(__file__).parent.glob("*.py"))
    if path.stem != "__init__"
    for case in import_module(f"{__name__}.{path.stem}").CASES
]

# Four rows of a type stand for all of it where a person waits for the tests.
_QUICK = 4


def parameters(cases: Iterable[Case]) -> list[Any]:
    """The rows for a test that takes long with each: the first few of a type, and the others with the long tests."""
    seen: dict[str, int] = {}
    found = []
    for case in cases:
        kind = case.layer["type"]
        seen[kind] = seen.get(kind, 0) + 1
        marks = [pytest.mark.full] if seen[kind] > _QUICK else []
        found.append(pytest.param(case, id=str(case), marks=marks))
    return found

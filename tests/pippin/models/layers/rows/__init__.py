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

# In `make test`, one row represents its type: each row takes JAX 0.4 s to compile.
_QUICK = 1


def parameters(cases: Iterable[Case]) -> list[Any]:
    """The rows for a test that takes long with each: the first one of a type, and the others with the long tests."""
    seen: dict[str, int] = {}
    found = []
    for case in cases:
        kind = case.layer["type"]
        seen[kind] = seen.get(kind, 0) + 1
        marks = [pytest.mark.full] if seen[kind] > _QUICK else []
        found.append(pytest.param(case, id=str(case), marks=marks))
    return found

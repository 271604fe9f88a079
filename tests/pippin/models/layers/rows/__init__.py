"""The table: one row a layer type and mode. A new type adds its rows to the file of its kind."""

from collections.abc import Iterable
from importlib import import_module
from pathlib import Path

import pytest

from tests.pippin.models.layers.case import Case

CASES: list[Case] = [
    case
    for path in sorted(Path(__file__).parent.glob("*.py"))
    if path.stem != "__init__"
    for case in import_module(f"{__name__}.{path.stem}").CASES
]


def parameters(cases: Iterable[Case]) -> list[pytest.ParameterSet]:
    """The rows for a test that takes long with each: the first one of a type, and the others with the long tests."""
    first, others = by_type(cases)
    return [
        *(pytest.param(case, id=str(case)) for case in first),
        *(pytest.param(case, id=str(case), marks=pytest.mark.full) for case in others),
    ]


def by_type(cases: Iterable[Case]) -> tuple[list[Case], list[Case]]:
    """The rows that represent their types, and all others."""
    types: set[str] = set()
    first: list[Case] = []
    others: list[Case] = []
    for case in cases:
        kind = case.layer["type"]
        (others if kind in types else first).append(case)
        types.add(kind)
    return first, others

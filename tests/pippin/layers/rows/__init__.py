"""The table: one row a layer type and mode. A new type adds its rows to the file of its kind."""

from importlib import import_module
from pathlib import Path

from tests.pippin.layers.case import Case

CASES: list[Case] = [
    case
    for path in sorted(Path(__file__).parent.glob("*.py"))
    if path.stem != "__init__"
    for case in import_module(f"{__name__}.{path.stem}").CASES
]

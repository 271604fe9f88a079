"""No two modules, and no two packages side by side, import each other in a circle.

A circle breaks whichever module happens to be imported first, and neither side can be read, tested or moved alone.
"""

from graphlib import CycleError, TopologicalSorter

import grimp
import pytest


@pytest.fixture(scope="module")
def imports() -> dict[str, set[str]]:
    """The modules that each module of the product imports."""
    graph = grimp.build_graph("pippin", "service", "worker")
    return {module: set(graph.find_modules_directly_imported_by(module)) for module in graph.modules}


def _child(folder: str, module: str) -> str | None:
    """The module or package directly in the folder that contains the module; None if the module is elsewhere."""
    if not module.startswith(f"{folder}."):
        return None
    return ".".join(module.split(".")[: folder.count(".") + 2])


def _circle(graph: dict[str, set[str]]) -> str | None:
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return " -> ".join(error.args[1])
    return None


def test_modules_have_no_import_cycle(imports: dict[str, set[str]]) -> None:
    # `prepare` reports a circle from the imported module to the importing one.
    assert _circle(imports) is None


def test_sibling_packages_have_no_import_cycle(imports: dict[str, set[str]]) -> None:
    folders = {module.rpartition(".")[0] for module in imports} - {""}
    circles = {}
    for folder in sorted(folders):
        siblings: dict[str, set[str]] = {}
        for module, imported in imports.items():
            if importer := _child(folder, module):
                imported_siblings = {
                    child for each in imported if (child := _child(folder, each)) and child != importer
                }
                siblings.setdefault(importer, set()).update(imported_siblings)
        if circle := _circle(siblings):
            circles[folder] = circle
    assert circles == {}

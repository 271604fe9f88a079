"""Writes tests/apple/pyobjc_names.json: the names that PyObjC's wheels for Core ML and Quartz declare.

    python tools/pyobjc_names.py pyobjc_framework_coreml-….whl pyobjc_framework_quartz-….whl

The script reads the files in the wheels and executes none of them. From Quartz it takes pixel buffers only: the
functions that create one, and the constants. For each selector it records the out-parameters, the blocks with their
signatures (arguments counted from 0, as in Python), and whether the selector returns a BOOL.
"""

import ast
import json
import re
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TABLE = Path(__file__).resolve().parent.parent / "tests" / "apple" / "pyobjc_names.json"

_HIDDEN_ARGUMENTS = 2
"""Objective-C counts the receiver and the selector, Python does not."""


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _calls(tree: ast.Module, name: str) -> Iterator[list[Any]]:
    """The literal arguments of every call of `name`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == name:
            yield [ast.literal_eval(argument) for argument in node.args]


def _assigned(tree: ast.Module, name: str) -> Any:  # noqa: ANN401  # any literal
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name:
            return ast.literal_eval(node.value)
    raise SystemExit(f"the wheel's metadata assigns no {name!r}")


def _properties(metadata: dict[str, Any]) -> dict[str, Any]:
    described: dict[str, Any] = {}
    if _text(metadata.get("retval", {}).get("type", "")) == "Z":
        described["returns_bool"] = True
    if metadata.get("retval", {}).get("c_array_of_variable_length"):
        described["returns_varlist"] = True
    if "required" in metadata:
        described["required"] = metadata["required"]
    for index, argument in sorted(metadata.get("arguments", {}).items()):
        position = index - _HIDDEN_ARGUMENTS
        if _text(argument.get("type_modifier", "")) == "o":
            described.setdefault("out", []).append(position)
        if "callable" in argument:
            block = argument["callable"]["arguments"]
            described.setdefault("blocks", {})[str(position)] = [_text(block[at]["type"]) for at in sorted(block)]
    return described


def _selectors(metadata: ast.Module) -> dict[str, dict[str, Any]]:
    selectors_by_owner: dict[str, dict[str, Any]] = {}
    for owner, selector, described in _calls(metadata, "r"):
        selectors_by_owner.setdefault(_text(owner), {})[_text(selector)] = _properties(described)
    for owner, selector in _calls(metadata, "objc.registerNewKeywordsFromSelector"):
        selectors_by_owner.setdefault(owner, {}).setdefault(_text(selector), {})
    for owner, _, name in _calls(metadata, "objc.registerNewKeywords"):
        selectors_by_owner.setdefault(owner, {}).setdefault(name.replace("_", ":"), {})
    return {owner: dict(sorted(selectors.items())) for owner, selectors in sorted(selectors_by_owner.items())}


def _unavailable(module: ast.Module) -> list[list[str]]:
    for node in ast.walk(module):
        if isinstance(node, ast.For) and "registerUnavailableMethod" in ast.unparse(node):
            return sorted([owner, _text(selector)] for owner, selector in ast.literal_eval(node.iter))
    raise SystemExit("the wheel's module names no unavailable methods")


def _enums(metadata: ast.Module) -> dict[str, int]:
    entries = (entry.split("@") for entry in _assigned(metadata, "enums").strip("$").split("$"))
    return {name: int(value) for name, value in entries}


def _quartz(wheel: Path) -> dict[str, Any]:
    with zipfile.ZipFile(wheel) as archive:
        metadata = ast.parse(archive.read("Quartz/CoreVideo/_metadata.py"))
    prefixes = ("kCVPixelFormatType_", "kCVReturn")
    return {
        "pyobjc-framework-Quartz": wheel.name.split("-")[1],
        "enums": {name: value for name, value in _enums(metadata).items() if name.startswith(prefixes)},
        "functions": {
            name: _text(described[0])
            for name, described in sorted(_assigned(metadata, "functions").items())
            if name.startswith("CVPixelBufferCreate")
        },
    }


def table(coreml: Path, quartz: Path) -> dict[str, Any]:
    """The names in the wheels, as the content of the JSON file."""
    with zipfile.ZipFile(coreml) as archive:
        metadata, module = (ast.parse(archive.read(f"CoreML/{name}.py")) for name in ("_metadata", "__init__"))
    return {
        "pyobjc-framework-CoreML": coreml.name.split("-")[1],
        "constants": re.findall(r"[^$]+", _assigned(metadata, "constants")),
        "enums": _enums(metadata),
        "selectors": _selectors(metadata),
        "unavailable": _unavailable(module),
        "Quartz": _quartz(quartz),
    }


if __name__ == "__main__":
    TABLE.write_text(json.dumps(table(*map(Path, sys.argv[1:3])), indent=1) + "\n")

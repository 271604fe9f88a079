"""Every name of Apple's that the engine uses is one that PyObjC's metadata or Apple's documentation declares."""

import ast
import importlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import worker.engines
from tests.support.paths import APPLE

SOURCES = sorted((Path(worker.engines.__file__).parent / "coreml").glob("*.py"))

# What the engine calls on objects that are not Apple's; anything else that it calls must be in the tables.
PYTHON = set(
    """
    append get items values add startswith rstrip rmtree write_bytes mac_ver join replace setdefault SetInParent
    perf_counter Event is_set set put wait SimpleQueue
    all any abs argmax array array_equal arange asarray as_strided astype dtype errstate float32 frombuffer full
    isfinite log max mean moveaxis reshape stack sum unravel_index
    TemporaryDirectory HasField WhichOneof model_copy model_dump open
    stop_requested training_began epoch_ended train run measure check call end
    """.split()  # noqa: SIM905 - a list of words
)


def _tables() -> tuple[dict[str, Any], dict[str, Any]]:
    return (
        json.loads((APPLE / "pyobjc_names.json").read_text()),
        json.loads((APPLE / "documented_names.json").read_text()),
    )


def _selectors() -> set[str]:
    """Every selector of every class, as Python spells it."""
    declared, documented = _tables()
    classes = [*declared["selectors"].values(), *documented["CoreML"].values(), *documented["Foundation"].values()]
    classes += documented["protocols"].values()
    return {selector.replace(":", "_") for each in classes for selector in each}


def _names() -> dict[str, set[str]]:
    """By module: its classes and constants."""
    declared, documented = _tables()
    coreml = {*declared["constants"], *declared["enums"], *declared["selectors"], *documented["CoreML"]}
    quartz = {*declared["Quartz"]["enums"], *declared["Quartz"]["functions"]}
    return {"CoreML": coreml, "Foundation": set(documented["Foundation"]), "Quartz": quartz}


def _nodes() -> Iterator[tuple[str, ast.AST]]:
    for source in SOURCES:
        for node in ast.walk(ast.parse(source.read_text())):
            yield source.name, node


def _called() -> set[tuple[str, str]]:
    """(file, name) of every call `something.name(...)`."""
    return {
        (file, node.func.attr)
        for file, node in _nodes()
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }


def _used(module: str) -> set[tuple[str, str]]:
    """(file, name) of all that is taken from a module of Apple's."""
    found = set()
    for file, node in _nodes():
        if isinstance(node, ast.ImportFrom) and node.module == module:
            found |= {(file, alias.name) for alias in node.names}
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == module:
            found.add((file, node.attr))
    return found


def test_every_selector_that_takes_arguments_is_declared() -> None:
    selectors = [(file, name) for file, name in _called() if name.endswith("_")]
    assert len(selectors) > 15
    assert [each for each in selectors if each[1] not in _selectors()] == []


def test_every_other_call_is_a_selector_or_pythons() -> None:
    known = _selectors() | PYTHON | {"alloc", "registerMetaDataForSelector", "protocolNamed", "autorelease_pool"}
    known |= {"dataPointer", "as_buffer", "CVPixelBufferCreateWithBytes"}
    own = {node.name for _, node in _nodes() if isinstance(node, ast.FunctionDef)}
    assert sorted(each for each in _called() if each[1] not in known | own) == []


@pytest.mark.parametrize("module", ["CoreML", "Foundation", "Quartz"])
def test_every_class_and_constant_is_declared(module: str) -> None:
    used = _used(module)
    assert used
    assert [each for each in used if each[1] not in _names()[module]] == []


def test_every_key_is_made_by_a_class_method_that_is_documented() -> None:
    _, documented = _tables()
    keys = [
        (node.value.attr, node.attr)
        for _, node in _nodes()
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Attribute)
        and node.value.attr in {"MLParameterKey", "MLMetricKey"}
    ]
    assert len(keys) >= 11
    assert [key for key in keys if key[1] not in documented["CoreML"][key[0]]] == []


@pytest.mark.usefixtures("apple")
def test_names_without_a_table_are_in_the_stand_in() -> None:
    used = _used("objc")
    assert used
    there = importlib.import_module("objc")
    assert [each for each in used if not hasattr(there, each[1])] == []


def test_the_methods_of_our_own_classes_are_the_protocols() -> None:
    _, documented = _tables()
    wanted = {selector.replace(":", "_") for each in documented["protocols"].values() for selector in each}
    classes = [
        node
        for _, node in _nodes()
        if isinstance(node, ast.ClassDef) and any(ast.unparse(base) == "NSObject" for base in node.bases)
    ]
    methods = {each.name for node in classes for each in node.body if isinstance(each, ast.FunctionDef)}
    assert methods == wanted


@pytest.mark.parametrize("name", ["parameterValueForKey_error", "initForEvents_progressHandler_completionHandler"])
def test_selector_without_its_last_colon_is_detected(name: str) -> None:
    assert name not in _selectors()
    assert f"{name}_" in _selectors()

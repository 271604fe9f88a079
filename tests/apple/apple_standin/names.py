"""The tables of names: what PyObjC's metadata declares, and what Apple's documentation adds to it."""

import json
from functools import cache
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).resolve().parent.parent


@cache
def declared() -> dict[str, Any]:
    """`pyobjc_names.json`: written by tools/pyobjc_names.py."""
    return dict(json.loads((_FOLDER / "pyobjc_names.json").read_text()))


@cache
def documented() -> dict[str, Any]:
    """`documented_names.json`: written by hand."""
    return dict(json.loads((_FOLDER / "documented_names.json").read_text()))


def selector_of(python_name: str) -> str:
    """`initWithShape_dataType_error_` is `initWithShape:dataType:error:`."""
    return python_name.replace("_", ":")


def metadata_of(class_name: str, selector: str) -> dict[str, Any] | None:
    """What is known of a selector of one class, its parents apart; None where neither table has it."""
    metadata: dict[str, Any] | None = declared()["selectors"].get(class_name, {}).get(selector)
    if metadata is not None:
        return metadata
    for framework in ("CoreML", "Foundation"):
        if selector in documented()[framework].get(class_name, ()):
            return {}
    return None


def is_unavailable(class_name: str, selector: str) -> bool:
    """The framework forbids it: mostly `init`."""
    return [class_name, selector] in declared()["unavailable"]


def protocol(name: str) -> list[str] | None:
    """The selectors that a protocol requires; None where there is no such protocol."""
    required: list[str] | None = documented()["protocols"].get(name)
    return required

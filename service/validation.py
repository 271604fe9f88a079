"""From pydantic's findings about a request to faults with plain RFC 6901 pointers."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pippin.faults import Fault, pointer

# Pydantic speaks of Python's types; a client sends JSON.
_SENTENCES = {
    "missing": "this is required and was not given",
    "extra_forbidden": "there is no such field",
    "dict_type": "this must be an object",
    "model_type": "this must be an object",
    "model_attributes_type": "this must be an object",
    "list_type": "this must be an array",
    "string_type": "this must be a string",
    "string_unicode": "this must be a string of Unicode characters",
}
_LONGEST_SHOWN = 60


def body_faults(errors: Iterable[Mapping[str, Any]], body: object) -> list[Fault]:
    """The faults that pydantic found in `body`.

    Pydantic's locations name the branch of a union as if it were a part of the path; whatever is no part of `body` is
    left out. Of a union's branches, those that got further into the value are told and the others not.
    """
    found: dict[str, list[str]] = {}
    for error in errors:
        where = _path(error["loc"], body, missing=error["type"] == "missing")
        sentences = found.setdefault(pointer(*where), [])
        if (sentence := sentence_of(error)) not in sentences:
            sentences.append(sentence)
    deepest = [place for place in found if not any(other.startswith(f"{place}/") for other in found)]
    return [Fault(place, ", or ".join(found[place])) for place in deepest]


def sentence_of(error: Mapping[str, Any]) -> str:
    """What one finding says was wrong and would be right."""
    kind = str(error["type"])
    message = str(error["msg"])
    sentence = _SENTENCES.get(kind) or message.removeprefix("Value error, ").replace("Input should", "this must")
    if kind in {"missing", "extra_forbidden", "value_error"}:
        return sentence
    return f"{sentence}; found {_shown(error.get('input'))}"


def _path(location: Sequence[str | int], body: object, *, missing: bool) -> list[str | int]:
    """The parts of `location` that lead through `body`; `missing` says that its last part is what `body` lacks."""
    path: list[str | int] = []
    value: Any = body
    for index, part in enumerate(location):
        if _holds(value, part):
            value = value[part]
        elif not (missing and index == len(location) - 1):
            continue
        path.append(part)
    return path


def _holds(value: object, part: str | int) -> bool:
    if isinstance(value, list):
        return isinstance(part, int) and part < len(value)
    return isinstance(value, dict) and part in value


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "an array"
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"

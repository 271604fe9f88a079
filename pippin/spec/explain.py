"""What pydantic found wrong, as faults: plain JSON pointers, and sentences that say what would be right."""

import re
from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches
from functools import lru_cache
from typing import TypeGuard, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from pippin.faults import Fault, pointer

Loc = tuple[int | str, ...]

_MOST = 1000

# A hint takes 30 ms at most within these.
_LONGEST_MEANT, _MOST_KNOWN = 32, 100

# What would be right, by pydantic's kind of error; in braces what it tells about the limits.
_NEEDS = {
    "bool_type": "true or false",
    "dict_type": "an object",
    "finite_number": "a finite number",
    "float_type": "a number",
    "greater_than_equal": "{ge} or more",
    "int_from_float": "a whole number",
    "int_type": "a whole number",
    "less_than": "less than {lt}",
    "less_than_equal": "{le} or less",
    "list_type": "a list",
    "model_attributes_type": "an object",
    "model_type": "an object",
    "string_too_long": "at most {max_length} characters",
    "string_too_short": "at least {min_length} character",
    "string_type": "a text",
    "too_long": "at most {max_length} entries",
    "too_short": "at least {min_length} entry",
    "tuple_type": "a list",
}


class Hints:
    """Finds what unknown words of one document were meant to be, for the first of them.

    Comparing two words takes up to the cube of their length: 1,800 unknown names of 190 characters, in a spec of 1 MB,
    took more than four minutes.

    Args:
        most: How many words are looked for.
    """

    def __init__(self, most: int = 20) -> None:
        self._left = most

    def meant(self, word: str, known: Collection[str]) -> str | None:
        """The known word that is most like `word`; None when none is, or when looking for it would take long."""
        if not self._left or len(word) > _LONGEST_MEANT or len(known) > _MOST_KNOWN:
            return None
        self._left -= 1
        close = get_close_matches(word.lower(), [name for name in known if len(name) <= 2 * _LONGEST_MEANT], n=1)
        return close[0] if close else None

    def at(self, word: str, known: Collection[str]) -> str:
        """A hint at what `word` was meant to be; empty when none is like it."""
        meant = self.meant(word, known)
        return "" if meant is None else f"; did you mean {meant!r}?"


def explain(error: ValidationError, root: type[BaseModel], document: object) -> Iterator[Fault]:
    """The faults in `document`, which `root` refused with `error`; of very many, the first."""
    errors = error.errors(include_url=False)
    hints = Hints()
    if len(errors) > _MOST:
        yield Fault("", f"found {len(errors)} faults; these are the first {_MOST}")
    for details in errors[:_MOST]:
        loc, kind = details["loc"], details["type"]
        if kind == "too_short" and len(details["input"]) >= details["ctx"]["min_length"]:
            # Pydantic counts only the entries without faults; those have been told.
            continue
        path = _path(loc, document, missing=kind == "missing")
        match kind:
            case "missing" if isinstance(loc[-1], int):
                described = _described(root, loc)
                needed = described if described.startswith("[") else "more entries"
                yield Fault(pointer(*path[:-1]), f"found {shown(details['input'])}; needs {needed}")
            case "missing":
                yield Fault(pointer(*path), f"is required: {_described(root, loc)}".removesuffix(": "))
            case "union_tag_not_found":
                yield Fault(pointer(*path, "type"), f"is required: one of {', '.join(_tags(root, loc))}")
            case "union_tag_invalid":
                tag, tags = str(details["ctx"]["tag"]), _tags(root, loc)
                hint = hints.at(tag, tags)
                yield Fault(pointer(*path, "type"), f"found {tag!r}; needs one of {', '.join(tags)}{hint}")
            case _:
                yield Fault(pointer(*path), _detail(details, root, hints))


def _detail(details: ErrorDetails, root: type[BaseModel], hints: Hints) -> str:
    """What is wrong with a value that is there."""
    loc, kind, context, found = details["loc"], details["type"], details.get("ctx", {}), shown(details["input"])
    match kind:
        case "extra_forbidden":
            unknown = str(loc[-1])
            return f"there is no field {unknown!r}{hints.at(unknown, _fields(root, loc[:-1]))}"
        case "literal_error":
            hint = hints.at(str(details["input"]), re.findall(r"'([^']*)'", context["expected"]))
            return f"found {found}; needs {context['expected']}{hint}"
        case "too_long" if (described := _described(root, loc)) and described.startswith("["):
            return f"found {found}; needs {described}"
        case "value_error":
            return str(context["error"])
        case _ if kind in _NEEDS:
            what = f": {described}" if kind.startswith("model_") and (described := _described(root, loc)) else ""
            return f"found {found}; needs {_NEEDS[kind].format(**context)}{what}"
        case _:
            return f"found {found}; {details['msg']}"


def shown(value: object) -> str:
    """A value as a message quotes it: as JSON has it, and never long."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case dict():
            return "an object"
        case list() | tuple() if any(isinstance(entry, dict | list | tuple) for entry in value):
            return f"a list of {len(value)}"
        case list() | tuple():
            text = "[" + ", ".join(map(shown, value)) + "]" if len(value) <= 4 else ""
            return text if text and len(text) <= 60 else f"a list of {len(value)}"
        case int() if abs(value) >= 10**20:
            return "a number of more than 20 digits"
        case _:
            text = repr(value)
            return text if len(text) <= 60 else text[:57] + "…" + text[-1:]


def did_you_mean(word: str, known: Collection[str]) -> str:
    """A hint at the known word that `word` may have been meant to be; empty when none is like it.

    Where a document may hold many unknown words, use `Hints`.
    """
    return Hints(1).at(word, known)


def _path(loc: Loc, document: object, *, missing: bool) -> list[int | str]:
    """`loc` without what stands in no document: pydantic adds union tags and marks of its own."""
    path: list[int | str] = []
    here = document
    for place, part in enumerate(loc):
        if _holds(here, part):
            here = here[part]
        elif not (missing and place == len(loc) - 1):
            continue
        path.append(part)
    return path


def _holds(value: object, part: int | str) -> TypeGuard[Mapping[int | str, object]]:
    """Whether `part` is a key of an object, or a place in a list, which is then read like an object."""
    if isinstance(value, list | tuple):
        return isinstance(part, int) and part < len(value)
    return isinstance(value, dict) and part in value


def _models(annotation: object) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in get_args(annotation) for model in _models(argument)]


@lru_cache(maxsize=1024)
def _models_below(root: type[BaseModel], words: tuple[str, ...]) -> list[type[BaseModel]]:
    """The models that may stand at `words`, the places in lists left out."""
    models = [root]
    for part in words:
        inner = [
            found
            for model in models
            for name, field in model.model_fields.items()
            if part in (name, field.alias)
            for found in _models(field.annotation)
        ]
        tagged = [model for model in models if _tag(model) == part]
        models = inner or tagged or models
    return models


def _models_at(root: type[BaseModel], loc: Loc) -> list[type[BaseModel]]:
    """The models that may stand at `loc`."""
    return _models_below(root, tuple(part for part in loc if isinstance(part, str)))


def _tag(model: type[BaseModel]) -> str | None:
    field = model.model_fields.get("type")
    return field.default if field is not None and isinstance(field.default, str) else None


def _tags(root: type[BaseModel], loc: Loc) -> list[str]:
    return sorted({tag for tag in map(_tag, _models_at(root, loc)) if tag is not None})


def _fields(root: type[BaseModel], loc: Loc) -> list[str]:
    return sorted(
        {field.alias or name for model in _models_at(root, loc) for name, field in model.model_fields.items()}
    )


def _described(root: type[BaseModel], loc: Loc) -> str:
    """What is written about the innermost field at `loc`; empty when nothing is."""
    while loc and isinstance(loc[-1], int):
        loc = loc[:-1]
    for model in _models_at(root, loc[:-1]) if loc else ():
        for name, field in model.model_fields.items():
            if loc[-1] in (name, field.alias) and field.description:
                return field.description.rstrip(".")
    return ""

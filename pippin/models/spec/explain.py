"""Converts pydantic's validation errors to faults: JSON pointers, and messages that say what is valid."""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, TypeGuard, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from pippin.documents.hints import Hints, synonym
from pippin.errors import Fault, FaultyDocumentError, pointer

Loc = tuple[int | str, ...]
T = TypeVar("T", bound=BaseModel)

_MAX_FAULTS = 1000
_MAX_LISTED_TAGS = 10

# What is valid, by pydantic's error type; the placeholders are filled from the error's context.
_NEEDS = {
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "dict_type": "an object",
    "finite_number": "a finite number",
    "float_parsing": "a number",
    "float_type": "a number",
    "greater_than": "more than {gt}",
    "greater_than_equal": "{ge} or more",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "int_parsing_size": "a whole number of fewer digits",
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


def parse(kind: type[T], document: object) -> T:
    """`document` as a value of `kind`.

    Raises:
        FaultyDocumentError: With every fault, each with a pointer from the document's root.
    """
    try:
        return kind.model_validate(document)
    except ValidationError as error:
        faults = _without_other_branches(explain(error, kind, document))
        raise FaultyDocumentError("the document has faults", faults) from None


def _without_other_branches(faults: Iterable[Fault]) -> list[Fault]:
    """The faults of those union branches that match the value deepest, if no branch fits."""
    branches: dict[str, list[str]] = {}
    for fault in faults:
        branches.setdefault(fault.pointer, []).append(fault.detail)
    deepest = [place for place in branches if not any(other.startswith(f"{place}/") for other in branches)]
    return [Fault(place, "; or ".join(dict.fromkeys(branches[place]))) for place in deepest]


def explain(error: ValidationError, root: type[BaseModel], document: object) -> Iterator[Fault]:
    """The faults in `document`, which `root` refused with `error`; at most the first `_MAX_FAULTS`."""
    errors = error.errors(include_url=False)
    hints = Hints()
    listed: dict[tuple[str, ...], str] = {}
    if len(errors) > _MAX_FAULTS:
        yield Fault("", f"found {len(errors)} faults; these are the first {_MAX_FAULTS}")
    for details in errors[:_MAX_FAULTS]:
        loc, kind = details["loc"], details["type"]
        if kind == "too_short" and len(details["input"]) >= details["ctx"]["min_length"]:
            # Pydantic counts only the entries without faults; those are reported already.
            continue
        path = _path(loc, document, missing=kind == "missing")
        match kind:
            case "missing" if isinstance(loc[-1], int):
                described = _described(root, loc)
                needed = described if described.startswith("[") else "more entries"
                yield Fault(pointer(*path[:-1]), f"found {shown(details['input'])}; needs {needed}")
            case "missing":
                yield Fault(pointer(*path), f"is required: {_in_a_sentence(_described(root, loc))}".removesuffix(": "))
            case "union_tag_not_found":
                yield Fault(pointer(*path, "type"), f"is required: one of {', '.join(_tags(root, loc))}")
            case "union_tag_invalid":
                tag, tags = str(details["ctx"]["tag"]), _tags(root, loc)
                place = pointer(*path, "type")
                # List the 50 layer types only once; repeated lists would hide the other faults.
                first = listed.setdefault(tuple(tags), place)
                known = (
                    ", ".join(tags) if first == place or len(tags) <= _MAX_LISTED_TAGS else f"those listed for {first}"
                )
                yield Fault(place, f"found {tag!r}; needs one of {known}{hints.text_for(tag, tags)}")
            case _:
                yield Fault(pointer(*path), _detail(details, root, hints))


def _detail(details: ErrorDetails, root: type[BaseModel], hints: Hints) -> str:
    """The message for a value that is present."""
    loc, kind, value = details["loc"], details["type"], shown(details["input"])
    match kind:
        case "extra_forbidden":
            unknown = str(loc[-1])
            return f"there is no field {unknown!r}{_hint_at_field(unknown, root, loc[:-1], hints)}"
        case "too_long" if (described := _described(root, loc)) and described.startswith("["):
            return f"found {value}; needs {described}"
        case _ if kind.startswith("model_"):
            what = f": {described}" if (described := _described(root, loc)) else ""
            return f"found {value}; needs an object{what}{_hint_at_type(details['input'], root, loc, hints)}"
        case _:
            return detail_of(details, hints)


def detail_of(details: Mapping[str, Any], hints: Hints) -> str:
    """The message for one pydantic error about a single value."""
    kind, context, value = details["type"], details.get("ctx", {}), shown(details["input"])
    match kind:
        case "literal_error" | "enum":
            hint = hints.text_for(str(details["input"]), re.findall(r"'([^']*)'", context["expected"]))
            return f"found {value}; needs {context['expected']}{hint}"
        case "value_error":
            return str(context["error"])
        case _ if kind in _NEEDS:
            limits = {name: int(each) if _is_whole(each) else each for name, each in context.items()}
            return f"found {value}; needs {_NEEDS[kind].format(**limits)}"
        case _:
            return f"found {value}; {details['msg']}"


def _is_whole(limit: object) -> bool:
    return isinstance(limit, float) and limit.is_integer()


def _hint_at_field(unknown: str, root: type[BaseModel], loc: Loc, hints: Hints) -> str:
    """A hint at the intended field: of the same object, or of another object in the document."""
    fields = _fields(root, loc)
    is_in_a_list = any(isinstance(part, int) for part in loc)
    if not is_in_a_list and synonym(unknown, fields) is None:
        for place in _objects(root):
            names = _fields(root, place)
            suggestion = unknown if unknown in names else synonym(unknown, names)
            if suggestion is not None and place != loc:
                return f"; {suggestion} is a field of {pointer(*place) or 'the document itself'}"
    return hints.text_for(unknown, fields)


def _hint_at_type(value: object, root: type[BaseModel], loc: Loc, hints: Hints) -> str:
    """For a text in place of an object: a hint at the object form, by its type or as the reference to a model."""
    if not isinstance(value, str):
        return ""
    tags = _tags(root, loc)
    if not tags:
        is_model = {"preset", "id"} <= set(_fields(root, loc))
        return ', such as {"preset": "mnist-cnn"}, or {"id": "…"} for an uploaded model' if is_model else ""
    suggestion = value if value in tags else hints.suggestion_for(value, tags)
    return (
        f', such as {{"type": "{suggestion}"}} with its fields'
        if suggestion
        else f", whose type is one of {', '.join(tags)}"
    )


def _is_object(annotation: object) -> bool:
    """Whether a field holds a model object, not a list of model objects."""
    if isinstance(annotation, type):
        return issubclass(annotation, BaseModel)
    return get_origin(annotation) not in {tuple, list, dict} and any(map(_is_object, get_args(annotation)))


@lru_cache(maxsize=64)
def _objects(root: type[BaseModel]) -> tuple[tuple[str, ...], ...]:
    """The places of model objects in a document outside of lists: the root, and each of its fields with an object."""
    places: list[tuple[str, ...]] = [()]
    for name, field in root.model_fields.items():
        if _is_object(field.annotation):
            places.append((field.alias or name,))
    return tuple(places)


def shown(value: object) -> str:
    """A value as messages quote it: in JSON style, and short."""
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


def _path(loc: Loc, document: object, *, missing: bool) -> list[int | str]:
    """`loc` without the parts that are not in the document, such as the union tags that pydantic adds."""
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
    """Whether `part` is a key of an object or a valid index of a list. A list is then narrowed to a mapping."""
    if isinstance(value, list | tuple):
        return isinstance(part, int) and part < len(value)
    return isinstance(value, dict) and part in value


def _models(annotation: object) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in get_args(annotation) for model in _models(argument)]


@lru_cache(maxsize=1024)
def _models_below(root: type[BaseModel], words: tuple[str, ...]) -> list[type[BaseModel]]:
    """The models that are possible at `words`, a location without list indices."""
    models = [root]
    for part in words:
        inner = [
            nested
            for model in models
            for name, field in model.model_fields.items()
            if part in (name, field.alias)
            for nested in _models(field.annotation)
        ]
        tagged = [model for model in models if _tag(model) == part]
        models = inner or tagged or models
    return models


def _models_at(root: type[BaseModel], loc: Loc) -> list[type[BaseModel]]:
    """The models that are possible at `loc`."""
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


def _in_a_sentence(description: str) -> str:
    """A description that starts in lower case, unless its first word is an acronym such as JSON."""
    return description if description[1:2].isupper() else description[:1].lower() + description[1:]


def _described(root: type[BaseModel], loc: Loc) -> str:
    """The description of the innermost field at `loc`; empty if it has none."""
    while loc and isinstance(loc[-1], int):
        loc = loc[:-1]
    for model in _models_at(root, loc[:-1]) if loc else ():
        for name, field in model.model_fields.items():
            if loc[-1] in (name, field.alias) and field.description:
                return field.description.rstrip(".")
    return ""

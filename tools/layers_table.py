"""Writes docs/layers.md, from the classes of the layer types; with --check, only compares."""

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from inspect import getdoc
from itertools import chain
from pathlib import Path
from typing import Any

from pippin.models.spec.layer import Layer, ShapeKeeping
from pippin.models.spec.layers.activations import PerChannel, Softmax
from pippin.models.spec.layers.elementwise import Combining
from pippin.models.spec.recurrent import Recurrent
from pippin.models.spec.rules import WARNINGS_BY_ID
from pippin.models.spec.table import LAYERS
from pippin.models.spec.weighted import Weighted

PAGE = Path(__file__).parents[1] / "docs" / "layers.md"

WARNED = {
    "batchnorm": "runtime.batchnorm",
    "bi_directional_lstm": "runtime.lstm",
    "softmax": "runtime.softmax-axis",
    "uni_directional_lstm": "runtime.lstm",
}
"""The warning about each type. Only the function of a warning defines the types that the warning applies to."""

_INTRODUCTION = """\
<!-- Written by `make layers` from pippin/models/spec/layers: change it there. -->
# Layers

Every layer type that a [spec](spec.md) may use. What all have in common (`type`, `name`, `input`, `output`,
`updatable`) is described [there](spec.md#layers).

Shapes are those of one example. C is channels, H height, W width, and `...` what stands before them: a sequence (Seq)
and a batch (B), both 1 unless the model says otherwise. A vector [C] is [C, 1, 1] to a layer that needs an image.

Core ML *trains* a type, or lets *gradients pass* through it to layers below, or has it only *frozen*: below every layer
that is trained, or where the loss does not look. Types that it trains pass gradients too. Pippin keeps to that, so
that a device can go on training what it has trained.
"""


def main() -> None:
    """Write or compare the page."""
    expected = page()
    if "--check" not in sys.argv:
        PAGE.write_text(expected, encoding="utf-8")
    elif not PAGE.exists() or PAGE.read_text(encoding="utf-8") != expected:
        sys.exit("docs/layers.md does not describe the layers as they are: run `make layers`")


def page() -> str:
    """The content of the page."""
    kinds = sorted(LAYERS.items())
    rows = [(f"[`{name}`](#{name})", _shape_change(kind), _summary(kind), _core_ml(kind)) for name, kind in kinds]
    overview = _table(("type", "from, to", "", "Core ML"), rows)
    sections = (_section(name, kind) for name, kind in kinds)
    return "\n".join([_INTRODUCTION, overview, *sections, _objects([kind for _, kind in kinds])])


def _section(name: str, kind: type[Layer]) -> str:
    first, *rest = _paragraphs(kind)
    proto, version, description = _parsed_paragraph(first)
    reads = f"Reads {_blobs(kind.input_count)}{_rank(kind)}, makes {_blobs(kind.output_count)}."
    file = f"In the file: `{proto}` at `{kind.proto_path}`, {version}."
    parts = [
        f"## {name}",
        _capital(description),
        *rest,
        *_inherited(kind),
        f"{reads} {file} Core ML: {_core_ml(kind)}.",
    ]
    if name in WARNED:
        warning = WARNED[name]
        parts.append(f"Warning `{warning}`: {_one_line(WARNINGS_BY_ID[warning])}")
    schema = kind.model_json_schema()
    own = {field: schema["properties"][field] for field in kind.model_fields if field not in Layer.model_fields}
    if own:
        parts.append(_table(("field", "", "default", "meaning"), _field_rows(kind, own, schema)).rstrip())
    if issubclass(kind, Recurrent):
        parts.append(_recurrent_arrays(kind))
    return "\n\n".join(parts) + "\n"


def _field_rows(
    kind: type[Layer], properties: Mapping[str, Any], schema: Mapping[str, Any]
) -> Iterator[tuple[str, ...]]:
    required = schema.get("required", ())
    for field, property_ in properties.items():
        form = _form(property_, schema.get("$defs", {}))
        if field in kind.array_fields and issubclass(kind, Weighted):
            form = f"numbers {_shape_of(kind, field)}"
        yield f"`{field}`", form, _default(property_, field in required), property_.get("description", "")


def _shape_of(kind: type[Weighted], field: str) -> str:
    """The shape of an array of weights, from the documentation of the class."""
    if field == "bias":
        return "[output_channels]"
    return _one_line(kind.kernel_shape).rstrip(".").replace("(", "[").replace(")", "]")


def _recurrent_arrays(kind: type[Recurrent]) -> str:
    """The names of the arrays in `weights`, with all options on."""
    options = {field: True for field in kind.model_fields if field.startswith("has_")}
    names: Sequence[str] = kind.model_construct(**options).array_names  # type: ignore[arg-type]
    shapes = {
        "weight_matrix": "[output_vector_size, C]",
        "recursion_matrix": "[output_vector_size, output_vector_size]",
        "vector": "[output_vector_size]",
    }
    rows = [(f"`{name}`", next(shape for end, shape in shapes.items() if name.endswith(end))) for name in names]
    each = " in `forward` and `backward` each" if len(kind.runs) > 1 else ""
    return (
        f"Inside `weights`{each}; vectors only where the layer has them:\n\n"
        + _table(("array", "shape"), rows).rstrip()
    )


def _objects(kinds: Sequence[type[Layer]]) -> str:
    """The section about the objects inside layers that have a `type`, each object once."""
    objects: dict[str, Any] = {}
    for kind in kinds:
        objects |= kind.model_json_schema().get("$defs", {})
    rows = [
        (
            f"`{schema['properties']['type']['const']}`",
            schema["description"].replace("\n", " "),
            _inner(schema, objects),
        )
        for _, schema in sorted(objects.items())
        if "type" in schema["properties"]
    ]
    return "## Objects inside layers\n\n" + _table(("type", "", "fields"), rows)


def _inner(schema: Mapping[str, Any], objects: Mapping[str, Any]) -> str:
    """The fields of an object inside a layer, all of which are optional."""
    fields = []
    for field, property_ in schema["properties"].items():
        if field != "type":
            values = f"{_form(property_, objects)}; default {_default(property_, is_required=False)}"
            fields.append(f"`{field}` ({values}) {property_.get('description', '')}".rstrip(" ."))
    return "; ".join(fields)


def _form(schema: Mapping[str, Any], objects: Mapping[str, Any]) -> str:
    """The values that a JSON schema admits, in words. Null, which stands for a field that is left out, is omitted."""
    branches = [branch for branch in schema.get("anyOf", schema.get("oneOf", [])) if branch.get("type") != "null"]
    if branches or "$ref" in schema:
        return _one_of(branches or [schema], objects)
    if schema.get("type") == "array":
        return _list_form(schema, objects)
    match schema:
        case {"enum": values}:
            return _listed([f"`{value}`" for value in values])
        case {"type": "boolean"}:
            return "true or false"
        case {"type": "integer"}:
            return "whole number" + _bounds(schema)
        case {"type": "number"}:
            return "number" + _bounds(schema)
        case _:
            return "object with nested lists by name"


def _list_form(schema: Mapping[str, Any], objects: Mapping[str, Any]) -> str:
    match schema:
        case {"prefixItems": [first, *_] as entries}:
            return f"list of {len(entries)}, each {_form(first, objects)}"
        case {"items": {"type": _} as entry, "minItems": minimum, "maxItems": maximum}:
            return f"list of {minimum} to {maximum}, each {_form(entry, objects)}"
        case _:
            return "nested lists of numbers"


def _one_of(branches: Sequence[Mapping[str, Any]], objects: Mapping[str, Any]) -> str:
    names = [branch["$ref"].rpartition("/")[2] for branch in branches if "$ref" in branch]
    others = [branch for branch in branches if "$ref" not in branch]
    if not names:
        return " or ".join(_form(branch, objects) for branch in others)
    tags = [f"`{tag}`" for name in names if (tag := objects[name]["properties"].get("type", {}).get("const"))]
    if not tags:
        return "object with " + " and ".join(f"`{field}`" for name in names for field in objects[name]["properties"])
    by_name = " or just its name" if others else ""
    return f"[object](#objects-inside-layers) of type {_listed(tags)}{by_name}"


def _bounds(schema: Mapping[str, Any]) -> str:
    minimum = schema.get("minimum", schema.get("ge"))
    maximum = schema.get("maximum", schema.get("le"))
    if "exclusiveMinimum" in schema:
        return f" above {schema['exclusiveMinimum']}"
    if minimum is None or abs(minimum) >= 2**63:
        return ""
    return f" {minimum} or more" if maximum is None else f" {minimum} to {maximum:,}"


def _default(schema: Mapping[str, Any], is_required: bool) -> str:
    if is_required:
        return "required"
    match schema.get("default"):
        case None:
            return ""
        case bool() as flag:
            return str(flag).lower()
        case {"type": kind}:
            return f"`{kind}`"
        case str() as text:
            return f"`{text}`"
        case other:
            return f"{other}"


def _shape_change(kind: type[Layer]) -> str:
    description = _parsed_paragraph(_paragraphs(kind)[0])[2]
    if issubclass(kind, Combining):
        return "one shape or several to the largest"
    if issubclass(kind, ShapeKeeping) and "[" not in description.replace("[c]", ""):
        return f"{'any' if kind.min_rank < 3 else '[..., C, H, W]'} to the same"
    return description.rstrip(".")


def _summary(kind: type[Layer]) -> str:
    return kind.summary


def _core_ml(kind: type[Layer]) -> str:
    support = "trains" if kind.trainable else "passes gradients" if kind.passes_gradient else "frozen only"
    # Softmax is the only type whose position matters: the rule `updatable.path` admits it where it feeds the loss.
    support += ", or feeding a cross-entropy" if kind is Softmax else ""
    return support + (", with a warning" if kind.model_fields["type"].default in WARNED else "")


def _blobs(numbers: tuple[int, int]) -> str:
    minimum, maximum = numbers
    if maximum == 0:
        return "nothing"
    between = "or" if maximum == minimum + 1 else "to"
    count = f"{minimum}" if minimum == maximum else f"{minimum} {between} {maximum}"
    return f"{count} blob{'s' if maximum > 1 else ''}"


def _rank(kind: type[Layer]) -> str:
    return f" of rank {kind.min_rank} or more" if kind.min_rank > 1 else ""


def _paragraphs(kind: type[Layer]) -> list[str]:
    text = getdoc(kind)
    assert text is not None
    return _SEE_FAMILY.sub("", text).split("\n\n")


_SEE_FAMILY = re.compile(r";\sshapes\sof\sthe\sstates\sand\sof\sthe\sarrays\sas\s`Recurrent`\ssays")
"""The reference from the docstring of a type to that of its family, whose text `_inherited` adds."""


def _inherited(kind: type[Layer]) -> list[str]:
    """The paragraphs that document the families of a type, without the first paragraph of each."""
    families = (family for family in (Combining, PerChannel, Recurrent) if issubclass(kind, family))
    return [paragraph for family in families for paragraph in _paragraphs(family)[1:]]


def _parsed_paragraph(first: str) -> tuple[str, str, str]:
    """The protobuf message, its version and the description, from the first paragraph of the class's docstring."""
    match = re.fullmatch(r"`(\w+)`( that is a deconvolution)? \((version [^)]*)\): (.*)", first, flags=re.DOTALL)
    assert match is not None, first
    return match[1], match[3], match[4].replace("\n", " ")


def _one_line(thing: object) -> str:
    return (getdoc(thing) or "").partition("\n")[0]


def _capital(text: str) -> str:
    """The text with a capital first letter, except for a formula."""
    return text if re.match(r"[a-z]+[ (\[]*[x(\[*]|x\b", text) else text[0].upper() + text[1:]


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " or " + words[-1]


def _table(head: Sequence[str], rows: Iterator[Sequence[str]] | Sequence[Sequence[str]]) -> str:
    lines = (" | ".join(cell.replace("|", "\\|") for cell in row) for row in chain([head], rows))
    first, *others = (f"| {line} |\n".replace("|  |", "| |") for line in lines)
    return "".join([first, "|" + "---|" * len(head) + "\n", *others])


if __name__ == "__main__":
    main()

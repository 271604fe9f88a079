"""Rewrites the JSON schemas of the API description into the subset that client generators understand.

What pydantic and FastAPI emit is valid, but generators fail on parts of it. The rules, and which generator needs
each, are in docs/decisions/0043-the-api-description-is-written-for-generators.md.
"""

import json
from collections.abc import Iterator
from typing import Any

Schema = dict[str, Any]

REFERENCE = "#/components/schemas/"

_NULL: Schema = {"type": "null"}
_NULLABLE = "Nullable"
# Pydantic leaves these where a constraint follows a validator function, as in Annotated[Single, Field(ge=0)].
_CONSTRAINTS = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}
_SCHEMA_KEYS = ("items", "additionalProperties", "not")
_LIST_KEYS = ("anyOf", "oneOf", "allOf", "prefixItems")


def make_portable(document: Schema) -> None:
    """Rewrite every schema of an OpenAPI 3.1 `document` in place."""
    schemas: dict[str, Schema] = document["components"]["schemas"]
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    for operation in operations:
        for parameter in operation.get("parameters", ()):
            parameter["schema"] = _parameter(parameter["schema"])
        for content in _contents(operation):
            if "schema" in content:
                content["schema"] = _portable(content["schema"])
    for name, schema in schemas.items():
        schemas[name] = {"title": name} | _portable(schema)
    requests = _reached([operation.get("requestBody") for operation in operations], schemas)
    for name, schema in schemas.items():
        if name in requests:
            _simplify_optional_references(schema)
        elif schema.get("additionalProperties") is False:
            # A later version may add members to a response. Swift's clients fail to decode it if this forbids them.
            del schema["additionalProperties"]
    _define_nullable_references(document)


def references(value: object) -> Iterator[str]:
    """The names of the components that any JSON `value` refers to, one for each reference."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "$ref" and isinstance(inner, str):
                yield inner.removeprefix(REFERENCE)
            else:
                yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def _contents(operation: Schema) -> Iterator[Schema]:
    """The media type objects of an operation's body and responses."""
    for each in (operation.get("requestBody", {}), *operation["responses"].values()):
        yield from each.get("content", {}).values()


def _parameter(schema: Schema) -> Schema:
    """The schema of a query, path or header parameter, which is text and therefore never null.

    Its default stays: generators leave a parameter with a default optional.
    """
    default = schema.get("default")
    rest = {key: value for key, value in schema.items() if key not in ("anyOf", "default")}
    branches = [branch for branch in schema.get("anyOf", ()) if branch != _NULL]
    if len(branches) == 1:
        rest = branches[0] | rest
    elif branches:
        rest["anyOf"] = branches
    return _portable(rest) | ({} if default in (None, [], {}) else {"default": default})


def _portable(schema: Schema) -> Schema:
    """A rewritten copy of `schema` and of all schemas in it."""
    # The component's name is its title. Others repeat the name of a property, and generators make classes of them.
    schema = {_CONSTRAINTS.get(key, key): value for key, value in schema.items() if key != "title"}
    if "properties" in schema:
        schema["properties"] = {name: _portable(inner) for name, inner in schema["properties"].items()}
        # `type` distinguishes the members of a union, so requests may not omit it although the models have a default.
        if "const" in schema["properties"].get("type", {}) and "type" not in schema.get("required", ()):
            schema["required"] = ["type", *schema.get("required", ())]
    for key in _SCHEMA_KEYS:
        if isinstance(schema.get(key), dict):
            schema[key] = _portable(schema[key])
    for key in _LIST_KEYS:
        if key in schema:
            schema[key] = [_portable(inner) for inner in schema[key]]
    _describe_default(schema)
    if schema.get("type") == "integer":
        _bound_integer(schema)
    return _without_null_branch(schema)


def _bound_integer(schema: Schema) -> None:
    """Write bounds as integers of 64 bits: OpenAPIKit rejects the whole document over 2**63, an exclusive maximum."""
    for key in schema.keys() & {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}:
        schema[key] = int(schema[key])
    if "exclusiveMaximum" in schema:
        schema["maximum"] = schema.pop("exclusiveMaximum") - 1


def _describe_default(schema: Schema) -> None:
    """Move the default into the description: a `default` makes openapi-typescript require the member."""
    default = _without_nulls(schema.pop("default", None))
    if default not in (None, [], {}) and "const" not in schema:
        text = f"Default: `{json.dumps(default)}`."
        schema["description"] = f"{schema['description']} {text}" if "description" in schema else text


def _without_nulls(value: object) -> object:
    if isinstance(value, dict):
        return {key: inner for key, inner in value.items() if inner is not None}
    return value


def _without_null_branch(schema: Schema) -> Schema:
    """Replace `anyOf` with a null schema, which Apple's generator skips together with the member."""
    branches = schema.get("anyOf")
    if not branches or _NULL not in branches:
        return schema
    rest = [branch for branch in branches if branch != _NULL]
    outer = {key: value for key, value in schema.items() if key != "anyOf"}
    if len(rest) == 1:
        return _nullable(rest[0]) | outer
    return _nullable({"anyOf": rest}) | outer


def _nullable(schema: Schema) -> Schema:
    """A copy of `schema` that admits null too."""
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(REFERENCE)
        return schema | {"$ref": f"{REFERENCE}{_NULLABLE}{name}"}
    for key in ("anyOf", "oneOf"):
        if key in schema:
            branches = schema[key]
            # OpenAPIKit treats the whole schema as nullable when one branch is. Of several types in one `type` it reads
            # only the first, so the branches are not merged.
            chosen = next((n for n, branch in enumerate(branches) if "type" in branch), 0)
            return schema | {key: [_nullable(each) if n == chosen else each for n, each in enumerate(branches)]}
    schema = dict(schema)
    if isinstance(schema.get("type"), str):
        schema["type"] = [schema["type"], "null"]
    if "const" in schema:
        schema["enum"] = [schema.pop("const")]
    if "enum" in schema:
        schema["enum"] = [*schema["enum"], None]
    return schema


def _simplify_optional_references(schema: Schema) -> None:
    """Let the optional members of a request refer to a component without null: omitting a member has the same meaning.

    Pippin accepts null too, and never returns it where such a schema is also a response's.
    """
    for name, member in schema.get("properties", {}).items():
        reference = member.get("$ref", "")
        if name not in schema.get("required", ()) and reference.startswith(REFERENCE + _NULLABLE):
            member["$ref"] = REFERENCE + reference.removeprefix(REFERENCE + _NULLABLE)


def _define_nullable_references(document: Schema) -> None:
    """Define the components that nullable members refer to.

    A component without other references admits null itself. Any other component gets a second version for the nullable
    members, since JSON Schema can add null to a reference only with `anyOf`.
    """
    schemas: dict[str, Schema] = document["components"]["schemas"]
    used = set(references(document))
    renamed: dict[str, str] = {}
    for nullable in sorted(name for name in used if name not in schemas):
        name = nullable.removeprefix(_NULLABLE)
        if name in used:
            schemas[nullable] = _nullable(schemas[name]) | {"title": nullable}
            schemas[nullable].pop("examples", None)
        else:
            schemas[name] = _nullable(schemas[name])
            renamed[REFERENCE + nullable] = REFERENCE + name
    _rename(document["paths"], renamed)
    _rename(schemas, renamed)


def _rename(value: object, renamed: dict[str, str]) -> None:
    """Replace the renamed names in all references."""
    if isinstance(value, dict):
        if value.get("$ref") in renamed:
            value["$ref"] = renamed[value["$ref"]]
        for inner in value.values():
            _rename(inner, renamed)
    elif isinstance(value, list):
        for inner in value:
            _rename(inner, renamed)


def _reached(value: object, schemas: dict[str, Schema]) -> set[str]:
    reached: set[str] = set()
    waiting = list(references(value))
    while waiting:
        name = waiting.pop().removeprefix(_NULLABLE)
        if name not in reached:
            reached.add(name)
            waiting.extend(references(schemas[name]))
    return reached

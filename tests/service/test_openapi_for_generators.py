"""Requirements of client generators on the whole API description, for any routes and models."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import jsonschema_rs
import pytest

from service.portable_schemas import make_portable, references

Schema = dict[str, Any]

# Allowed keywords: those of JSON Schema 2020-12 that a description may need, and OpenAPI's `discriminator`.
KEYWORDS = set(
    """
    $ref type enum const title description default examples format discriminator
    properties required additionalProperties propertyNames minProperties maxProperties patternProperties
    items prefixItems minItems maxItems uniqueItems anyOf oneOf allOf not
    minimum maximum exclusiveMinimum exclusiveMaximum multipleOf minLength maxLength pattern
    contentMediaType contentEncoding readOnly writeOnly deprecated
    """.split()  # noqa: SIM905 (a line a group)
)
NAMED = ("properties", "patternProperties")
SINGLE = ("items", "additionalProperties", "propertyNames", "not")
LISTED = ("anyOf", "oneOf", "allOf", "prefixItems")


@pytest.fixture(scope="module")
def every(document: Schema) -> list[tuple[str, Schema]]:
    """Every schema of the document, at any depth, with its place."""
    return list(schemas_of(document))


def schemas_of(document: Schema) -> Iterator[tuple[str, Schema]]:
    for name, schema in document["components"]["schemas"].items():
        yield from walked(name, schema)
    for operation in operations_of(document):
        place = operation["operationId"]
        for parameter in operation.get("parameters", ()):
            yield from walked(f"{place}({parameter['name']})", parameter["schema"])
        for each in (operation.get("requestBody", {}), *operation["responses"].values()):
            for kind, content in each.get("content", {}).items():
                if "schema" in content:
                    yield from walked(f"{place}[{kind}]", content["schema"])


def walked(place: str, schema: Schema) -> Iterator[tuple[str, Schema]]:
    yield place, schema
    for key in NAMED:
        for name, inner in schema.get(key, {}).items():
            yield from walked(f"{place}/{name}", inner)
    for key in SINGLE:
        if isinstance(schema.get(key), dict):
            yield from walked(f"{place}/{key}", schema[key])
    for key in LISTED:
        for index, inner in enumerate(schema.get(key, ())):
            yield from walked(f"{place}/{key}/{index}", inner)


def operations_of(document: Schema) -> list[Schema]:
    return [operation for path in document["paths"].values() for operation in path.values()]


def places(every: Iterable[tuple[str, Schema]], condition: Callable[[Schema], object]) -> list[str]:
    return [place for place, schema in every if condition(schema)]


def test_every_component_is_json_schema(document: Schema) -> None:
    for schema in document["components"]["schemas"].values():
        jsonschema_rs.meta.validate(schema)


def test_no_schema_has_an_unknown_keyword(every: list[tuple[str, Schema]]) -> None:
    assert len(every) > 1000
    unknown = {place: extra for place, schema in every if (extra := schema.keys() - KEYWORDS)}
    assert unknown == {}


def test_only_components_have_titles_equal_to_their_names(document: Schema, every: list[tuple[str, Schema]]) -> None:
    schemas = document["components"]["schemas"]
    titles = [(place, schema["title"]) for place, schema in every if "title" in schema]
    assert titles == [(name, name) for name in schemas]
    # Generators derive class and file names from titles, and may drop case and underscores.
    folded = Counter(re.sub("[^a-z0-9]", "", name.lower()) for name in schemas)
    assert [name for name, count in folded.items() if count > 1] == []


def test_only_parameters_have_defaults_and_only_scalar_ones(every: list[tuple[str, Schema]]) -> None:
    defaults = [(place, schema["default"]) for place, schema in every if "default" in schema]
    assert ("listJobs(limit)", 20) in defaults
    assert [each for each in defaults if "(" not in each[0] or not isinstance(each[1], str | int | float)] == []


def test_the_defaults_of_members_are_described(document: Schema) -> None:
    schemas = document["components"]["schemas"]
    request, layer = schemas["JobRequest"]["properties"], schemas["Convolution"]["properties"]
    assert request["max_attempts"]["description"].endswith("Default: `3`.")
    assert request["checkpoint"]["description"] == 'Default: `{"every_epochs": 1, "keep": 3}`.'
    assert layer["padding"]["description"].endswith('Default: `{"type": "valid", "borders": [[0, 0], [0, 0]]}`.')
    assert "description" not in request["timeout_seconds"]


def test_nullability_is_expressed_by_type_lists_only(every: list[tuple[str, Schema]]) -> None:
    assert places(every, lambda schema: {"type": "null"} in schema.get("anyOf", []) + schema.get("oneOf", [])) == []
    assert places(every, lambda schema: schema.get("type") == "null" or "nullable" in schema) == []
    nullable = {place: schema for place, schema in every if "null" in schema.get("type", ())}
    # OpenAPIKit reads the first type of a list, and no other.
    assert places(nullable.items(), lambda schema: len(schema["type"]) != 2) == []
    assert places(nullable.items(), lambda schema: None not in schema.get("enum", [None])) == []
    assert set(places(every, lambda schema: isinstance(schema.get("type"), list))) <= nullable.keys()
    # A parameter is text and cannot be null.
    assert [place for place in nullable if "(" in place] == []
    assert {"Job/started_at", "Job/notice", "EpochRow/batch_losses/items", "Failure"} <= nullable.keys()


def test_nullable_components_contain_no_inline_objects(document: Schema) -> None:
    """openapi-python-client generates the class of such an object twice and drops the component."""
    for name, schema in document["components"]["schemas"].items():
        if "null" in schema.get("type", ()):
            for place, inner in list(walked(name, schema))[1:]:
                assert not {"properties", "additionalProperties"} & inner.keys(), place


def test_nullable_job_members_refer_to_nullable_components(document: Schema) -> None:
    schemas = document["components"]["schemas"]
    job = schemas["Job"]["properties"]
    for member, name in (("reason", "Failure"), ("latest_metrics", "EpochMetrics"), ("checkpoint", "StoredCheckpoint")):
        assert job[member]["$ref"] == f"#/components/schemas/{name}"
        assert schemas[name]["type"] == ["object", "null"]
    assert schemas["Transition"]["properties"]["from"]["$ref"] == "#/components/schemas/NullableStatus"
    assert schemas["NullableStatus"]["enum"] == [*schemas["Status"]["enum"], None]


def test_optional_request_members_are_plain_references(document: Schema) -> None:
    schemas = document["components"]["schemas"]
    assert schemas["ModelSource"]["properties"]["spec"]["$ref"] == "#/components/schemas/ModelSpec"
    assert schemas["ModelSpec"]["type"] == "object"
    assert schemas["SGD"]["properties"]["momentum"]["$ref"] == "#/components/schemas/DoubleParameter"


def test_requests_are_closed_and_responses_are_open(document: Schema) -> None:
    schemas = document["components"]["schemas"]
    requests: set[str] = set()
    new = set(references([operation.get("requestBody") for operation in operations_of(document)]))
    while new:
        requests |= new
        new = {name for known in new for name in references(schemas[known])} - requests
    closed = {name for name, schema in schemas.items() if schema.get("additionalProperties") is False}
    assert {"JobRequest", "ModelSource", "Convolution"} <= closed <= requests
    assert {"Job", "Manifest", "Problem"} <= schemas.keys() - requests


def test_bounds_of_integers_fit_64_bits(every: list[tuple[str, Schema]]) -> None:
    """OpenAPIKit, the parser of Apple's generator, rejects the whole document otherwise."""
    bounds = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
    limits = [
        (place, schema[bound])
        for place, schema in every
        for bound in bounds
        if bound in schema and "integer" in schema.get("type", ())
    ]
    assert ("HyperparameterChoice/seed", 2**63 - 1) in limits
    assert [each for each in limits if not (isinstance(each[1], int) and -(2**63) <= each[1] < 2**63)] == []


def test_tagged_union_members_require_the_tag(document: Schema, every: list[tuple[str, Schema]]) -> None:
    schemas = document["components"]["schemas"]
    tagged = [schema for _, schema in every if "discriminator" in schema]
    assert len(tagged) > 3
    for union in tagged:
        tag = union["discriminator"]["propertyName"]
        for branch in union["oneOf"]:
            # Apple's generator ignores members that are no reference to an object.
            member = schemas[branch["$ref"].rpartition("/")[2]]
            assert tag in member["required"]
            assert {"const", "enum"} & member["properties"][tag].keys()


def test_apples_generator_supports_every_schema(every: list[tuple[str, Schema]]) -> None:
    """By the rules of its isSchemaSupported.swift: no `not`, no null type, no empty union."""
    assert places(every, lambda schema: "not" in schema or "allOf" in schema) == []
    assert places(every, lambda schema: [] in (schema.get("anyOf"), schema.get("oneOf"))) == []
    # A property name without letters gives no identifier in Swift or Python.
    names = {name for _, schema in every for name in schema.get("properties", {})}
    assert [name for name in names if not re.fullmatch("[a-zA-Z][a-zA-Z0-9_]*", name)] == []


def test_bodies_have_media_types_that_generators_support(document: Schema) -> None:
    known = {"application/json", "application/octet-stream", "multipart/form-data"}
    for operation in operations_of(document):
        assert operation.get("requestBody", {}).get("content", {}).keys() <= known, operation["operationId"]


def test_document_names_server_licence_and_security(document: Schema) -> None:
    assert [server["url"] for server in document["servers"]] == ["/"]
    assert document["info"]["license"] == {"name": "MIT"}
    operations = operations_of(document)
    assert all("security" in operation for operation in operations)
    public = {operation["operationId"] for operation in operations if not operation["security"]}
    assert public == {"getHealth", "getReadiness"}


def rewritten(members: Schema, **schemas: Schema) -> Schema:
    """The portable schemas of a document with one operation, which returns a `Thing` with these members."""
    thing = {"type": "object", "properties": members, "additionalProperties": False}
    answer = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}}
    document: Schema = {
        "paths": {"/": {"get": {"operationId": "get", "responses": {"200": answer}}}},
        "components": {"schemas": {"Thing": thing, **schemas}},
    }
    make_portable(document)
    return document["components"]["schemas"]  # type: ignore[no-any-return]


NULL = {"type": "null"}
NULLABLE_A = {"type": ["string", "null"], "enum": ["a", None]}
PART = {"type": "object", "properties": {"a": {"type": "string"}}}
TO_PART = {"$ref": "#/components/schemas/Part"}


TEXT = {"type": "string"}


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"anyOf": [TEXT, NULL], "default": None}, {"type": ["string", "null"]}),
        ({"anyOf": [TEXT | {"enum": ["a"]}, NULL], "description": "A."}, NULLABLE_A | {"description": "A."}),
        ({"anyOf": [TEXT | {"const": "a"}, NULL]}, NULLABLE_A),
        ({"anyOf": [TEXT, {"type": "integer"}, NULL]}, {"anyOf": [{"type": ["string", "null"]}, {"type": "integer"}]}),
        ({"anyOf": [TO_PART, TEXT, NULL]}, {"anyOf": [TO_PART, {"type": ["string", "null"]}]}),
        (
            {"type": "array", "items": {"anyOf": [{"type": "number"}, NULL]}, "default": []},
            {"type": "array", "items": {"type": ["number", "null"]}},
        ),
        ({"type": "number", "ge": 0, "lt": 5.5}, {"type": "number", "minimum": 0, "exclusiveMaximum": 5.5}),
        ({"type": "integer", "exclusiveMaximum": 2**63}, {"type": "integer", "maximum": 2**63 - 1}),
        ({"type": "boolean", "title": "F", "default": False}, {"type": "boolean", "description": "Default: `false`."}),
        ({"anyOf": [{}, NULL]}, {}),
    ],
)
def test_a_member_is_rewritten(schema: Schema, expected: Schema) -> None:
    assert rewritten({"member": schema}, Part=PART)["Thing"]["properties"]["member"] == expected


def test_members_named_like_keywords_are_kept() -> None:
    members = {"default": {"type": "string"}, "title": {"type": "string"}, "ge": {"type": "integer"}}
    assert rewritten(members)["Thing"]["properties"] == members


def test_component_becomes_nullable_unless_a_reference_forbids_null() -> None:
    alone = rewritten({"part": {"anyOf": [TO_PART, NULL]}}, Part=PART)
    assert alone.keys() == {"Thing", "Part"}
    assert alone["Thing"]["properties"]["part"] == TO_PART
    assert alone["Part"]["type"] == ["object", "null"]
    both = rewritten({"part": {"anyOf": [TO_PART, NULL]}, "other": TO_PART}, Part=PART)
    assert both.keys() == {"Thing", "Part", "NullablePart"}
    assert both["Thing"]["properties"] == {"part": {"$ref": "#/components/schemas/NullablePart"}, "other": TO_PART}
    assert (both["Part"]["type"], both["NullablePart"]["type"]) == ("object", ["object", "null"])

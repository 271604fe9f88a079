"""Writes docs/rest.md, from docs/openapi.json; with --check, only compares."""

import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parents[1] / "docs"
PAGE = DOCS / "rest.md"

_METHODS = ("get", "post", "put", "delete")
_TITLES = {
    "jobs": "Jobs",
    "datasets": "Datasets",
    "models": "Models",
    "specs": "Specs",
    "workers": "Workers",
    "blobs": "Blobs",
    "session": "Sessions",
    "health": "The service itself",
}
_INTRODUCTION = """\
<!-- Written by `make openapi` from docs/openapi.json: change the routes there. -->
# REST reference

Every route of the service. The objects that routes read and write, such as `Job`, are described by the running service:
for people at `/docs`, an interactive page that loads nothing from another host, and for tools at `/openapi.json`. This
OpenAPI 3.1 document is also [in the repository](openapi.json).

Bodies are JSON unless something else is said; times are RFC 3339 in UTC. *Role* is the lowest role that a
[token](security.md#roles) needs where the service requires tokens. Lists come newest first in pages: while `has_more`
is true, pass `next` as `after`.

An error is a problem (`application/problem+json`, RFC 9457): its `type` leads to a page of the service that explains
it, `errors` points at each fault of the request. The tables name the problems that are special to a route. Every route
may also answer 421, 422, and 403 to a page of another origin. A route with a role may answer 401, 403, 429, and 503
with `Retry-After` when the service cannot work at the moment.
"""
_COMMON = {
    "401": "A token is needed",
    "421": "The service does not have this host name",
    "422": "The request is not valid",
    "429": "The token has made too many requests",
    "503": "The service is temporarily unavailable",
    "default": "Any other problem.",
}
"""The problems that the introduction describes, which the tables leave out."""


def main() -> None:
    """Write or compare the page."""
    expected = page(json.loads((DOCS / "openapi.json").read_text(encoding="utf-8")))
    if "--check" not in sys.argv:
        PAGE.write_text(expected, encoding="utf-8")
    elif not PAGE.exists() or PAGE.read_text(encoding="utf-8") != expected:
        sys.exit("docs/rest.md does not describe the routes as they are: run `make openapi`")


def page(document: Mapping[str, Any]) -> str:
    """The content of the page."""
    document = _with_plain_references(document, document["components"]["schemas"])
    operations = [
        (method, path, routes[method])
        for path, routes in document["paths"].items()
        for method in _METHODS
        if method in routes
    ]
    tags = dict.fromkeys(tag for _, _, operation in operations for tag in operation["tags"])
    parts = [_INTRODUCTION, _overview(operations)]
    for tag in tags:
        parts.append(f"## {_TITLES[tag]}\n")
        parts.extend(_operation(*entry) for entry in operations if tag in entry[2]["tags"])
    return "\n".join(parts)


def _overview(operations: Sequence[tuple[str, str, Mapping[str, Any]]]) -> str:
    rows = [
        (f"[`{method.upper()} {path}`](#{_anchor(operation)})", operation["summary"], _role(operation))
        for method, path, operation in operations
    ]
    return _table(("route", "", "role"), rows)


def _anchor(operation: Mapping[str, Any]) -> str:
    """The anchor that the site and code hosts derive from a heading."""
    return re.sub(r"[^\w\- ]", "", operation["summary"].lower()).replace(" ", "-")


def _role(operation: Mapping[str, Any]) -> str:
    roles = [role for scheme in operation.get("security", ()) for role in scheme.get("bearer", ())]
    return f"`{roles[0]}`" if roles else "none"


def _operation(method: str, path: str, operation: Mapping[str, Any]) -> str:
    parts = [f"### {operation['summary']}", f"`{method.upper()} {path}`, role {_role(operation)}."]
    if "description" in operation:
        parts.append(operation["description"])
    if parameters := operation.get("parameters"):
        rows = [
            (
                f"`{parameter['name']}`",
                parameter["in"],
                _form(parameter["schema"]),
                _default(parameter["schema"], is_required=parameter.get("required", False)),
                parameter.get("description", ""),
            )
            for parameter in parameters
        ]
        parts.append(_table(("parameter", "in", "", "default", "meaning"), rows).rstrip())
    if body := operation.get("requestBody"):
        parts.append("Body: " + _contents(body["content"]) + ".")
        parts.extend(_example(media) for media in body["content"].values() if "example" in media)
    answers = [
        (f"`{status}`", _answer(answer))
        for status, answer in operation["responses"].items()
        if status != "403" and answer["description"] != _COMMON.get(status)
    ]
    parts.append(_table(("answer", ""), answers).rstrip())
    return "\n\n".join(parts) + "\n"


def _example(media: Mapping[str, Any]) -> str:
    return f"```json\n{json.dumps(media['example'], indent=2)}\n```"


def _answer(answer: Mapping[str, Any]) -> str:
    description = answer["description"].rstrip(".")
    content = {kind: media for kind, media in answer.get("content", {}).items() if kind != "application/problem+json"}
    return f"{description}. {_contents(content)}" if content else f"{description}."


def _contents(content: Mapping[str, Any]) -> str:
    forms = []
    for kind, media in content.items():
        form = _form(media.get("schema", {}))
        forms.append(
            form if kind == "application/json" else f"`{kind}`" + (f": {form}" if "$ref" in json.dumps(media) else "")
        )
    return _listed(forms)


def _with_plain_references(node: Any, schemas: Mapping[str, Any]) -> Any:  # noqa: ANN401 (any JSON value)
    """The document with a reference to an object that admits null replaced by "the plain object, or null"."""
    if isinstance(node, list):
        return [_with_plain_references(inner, schemas) for inner in node]
    if not isinstance(node, dict):
        return node
    node = {key: _with_plain_references(inner, schemas) for key, inner in node.items()}
    name = str(node.get("$ref", "")).rpartition("/")[2]
    if "null" not in schemas.get(name, {}).get("type", ()):
        return node
    plain = name.removeprefix("Nullable") if name.removeprefix("Nullable") in schemas else name
    described = {key: inner for key, inner in node.items() if key != "$ref"}
    return described | {"anyOf": [{"$ref": f"#/components/schemas/{plain}"}, {"type": "null"}]}


def _form(schema: Mapping[str, Any]) -> str:
    """The values that a JSON schema admits, in words."""
    forms = dict.fromkeys(_forms(schema))
    return _listed([form for form in forms if form != "null"] + [form for form in forms if form == "null"])


def _forms(schema: Mapping[str, Any]) -> Iterator[str]:
    """The form of each alternative of a schema."""
    if branches := schema.get("anyOf") or schema.get("oneOf"):
        for branch in branches:
            yield from _forms(branch)
    elif isinstance(kinds := schema.get("type"), list):
        values = {"enum": [value for value in schema["enum"] if value is not None]} if "enum" in schema else {}
        yield from (_alternative({**schema, **values, "type": kind}) for kind in kinds)
    else:
        yield _alternative(schema)


def _alternative(schema: Mapping[str, Any]) -> str:
    match schema:
        case {"type": "null"}:
            return "null"
        case {"$ref": reference}:
            return _named(reference.rpartition("/")[2])
        case {"const": value}:
            return f"`{json.dumps(value)}`"
        case {"enum": values}:
            return _listed([f"`{value}`" for value in values])
        case {"type": "array", "items": dict(entry)} if entry:
            return f"list of {_form(entry)}"
        case {"type": "object", "additionalProperties": dict(value)} if value:
            return f"object: {_form(value)} by name"
        case _:
            return _simple(schema)


def _named(name: str) -> str:
    return "any JSON" if name == "JsonValue" else "[ModelSpec](spec.md)" if name == "ModelSpec" else f"`{name}`"


def _simple(schema: Mapping[str, Any]) -> str:
    kind = schema.get("type", "any JSON")
    if schema.get("format") == "date-time":
        return "time"
    if schema.get("format") == "binary":
        return "bytes"
    if kind in {"integer", "number"}:
        return {"integer": "whole number", "number": "number"}[kind] + _bounds(schema)
    return {"string": "text", "boolean": "true or false", "array": "list"}.get(kind, kind)


def _bounds(schema: Mapping[str, Any]) -> str:
    minimum, maximum = schema.get("minimum"), schema.get("maximum")
    if "exclusiveMinimum" in schema:
        return f" above {schema['exclusiveMinimum']}"
    if minimum is None or abs(minimum) >= 2**63:
        return ""
    return f" {minimum:g} or more" if maximum is None or maximum >= 2**53 else f" {minimum:g} to {maximum:,}"


def _default(schema: Mapping[str, Any], *, is_required: bool) -> str:
    if is_required:
        return "required"
    return f"`{json.dumps(schema['default'])}`" if "default" in schema else ""


def _listed(words: Sequence[str]) -> str:
    return ", ".join(words[:-1]) + " or " + words[-1] if len(words) > 1 else "".join(words)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [" | ".join(" ".join(cell.replace("|", "\\|").split()) for cell in row) for row in (head, *rows)]
    first, *others = (re.sub(r"\|  (?=\|)", "| ", f"| {line} |\n") for line in lines)
    return "".join([first, "|" + "---|" * len(head) + "\n", *others])


if __name__ == "__main__":
    main()

"""The OpenAPI description of the REST contract. `make openapi` writes the committed document."""

import json
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from pippin.api.predictions import EvaluationRequest
from pippin.api.problems import ProblemDocument
from pippin.api.requests import JobRequest, RetryRequest
from pippin.api.workers import DrainRequest
from pippin.models.spec import ModelSpec
from service.examples import EXAMPLES
from service.http.schemas import SWIFT_NAME
from service.portable_schemas import REFERENCE, make_portable
from service.problems import responses
from service.security.access import Operations
from service.security.authentication import COOKIE

_REF = REFERENCE + "{model}"

# The components that no signature of an endpoint names: bodies that endpoints check themselves.
_BESIDES: dict[str, type[BaseModel]] = {
    "Problem": ProblemDocument,
    "JobRequest": JobRequest,
    "RetryRequest": RetryRequest,
    "ModelSpec": ModelSpec,
    "EvaluationRequest": EvaluationRequest,
    "DrainRequest": DrainRequest,
}


_SWIFT = {
    "type": "object",
    "description": "A model in the format of SwiftCoreMLTools.",
    "required": ["neuralNetwork"],
    "properties": {"neuralNetwork": {"type": "object"}},
}


def describe(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI 3.1 document of `app`."""
    document: dict[str, Any] = get_openapi(
        title=app.title,
        version=app.version,
        summary=app.summary,
        description=app.description,
        license_info=app.license_info,
        tags=app.openapi_tags,
        # Relative to the document's own address.
        servers=[{"url": "/", "description": "The service that serves this document."}],
        routes=app.routes,
    )
    for operation in (each for path in document["paths"].values() for each in path.values()):
        # Every route refuses unknown query parameters; middleware refuses requests from other origins and for other
        # hosts.
        _add_responses(operation, "foreign-origin", 421, 422)
    schemas: dict[str, Any] = document["components"]["schemas"]
    for name, kind in _BESIDES.items():
        schemas |= _schemas(name, kind, schemas)
    schemas[SWIFT_NAME] = _SWIFT
    for name, example in EXAMPLES.items():
        schemas[name]["examples"] = [example]
    # For pydantic this is any object: its faults are reported together with all others.
    spec = schemas["ModelSource"]["properties"]["spec"]
    spec["anyOf"] = [{"$ref": _REF.format(model="ModelSpec")}, {"type": "null"}]
    # FastAPI's own description of a 422, which this service never sends.
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    _describe_access(document, app.state.operations)
    make_portable(document)
    document["components"]["schemas"] = dict(sorted(schemas.items()))
    return document


_SCHEMES = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "A token created by `pippin tokens create`. A service that listens only on its own machine "
        "requires none before the first one is created.",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": COOKIE,
        "description": "The cookie that `POST /session` sets for a token. A request that changes something needs an "
        "`Origin` header that names the service, as browsers send it.",
    },
}


def _describe_access(document: dict[str, Any], operations: Operations) -> None:
    """Describe the role that each operation takes, and the answers to requests without it."""
    document["components"]["securitySchemes"] = _SCHEMES
    roles = {(each.method, each.path): each.access.role for each in operations}
    for path, item in document["paths"].items():
        for method, operation in item.items():
            role = roles[method.upper(), path]
            if role is None:
                operation["security"] = []
                continue
            schemes = ["bearer"] if operation["operationId"] == "beginSession" else list(_SCHEMES)
            # OpenAPI 3.1 lets a scheme without scopes name roles here.
            operation["security"] = [{scheme: [role]} for scheme in schemes]
            # Each token is looked up in Redis, hence the 503.
            _add_responses(operation, 401, "forbidden", "behind-proxy", "rate-limited", 503)


def _add_responses(operation: dict[str, Any], *kinds: int | str) -> None:
    """Add error answers to those that an operation declares itself."""
    declared = operation["responses"]
    for status, added in ((str(status), each) for status, each in responses(*kinds).items()):
        titles = declared[status]["description"].split(" / ") if status in declared else []
        titles += [title for title in added["description"].split(" / ") if title not in titles]
        declared[status] = added | {"description": " / ".join(titles)}
    operation["responses"] = dict(sorted(declared.items()))


def _schemas(name: str, kind: type[BaseModel], taken: dict[str, Any]) -> dict[str, Any]:
    """The schemas of `kind`, named `name`, and of its parts. A part gets a longer name when its own is taken."""
    schema = kind.model_json_schema(ref_template=_REF)
    parts: dict[str, Any] = schema.pop("$defs", {})
    longer = {part: f"{name}{part}" for part, meant in parts.items() if taken.get(part, meant) != meant}
    references = {_REF.format(model=old): _REF.format(model=new) for old, new in longer.items()}
    schemas = {name: schema} | {longer.get(part, part): meant for part, meant in parts.items()}
    return {part: _renamed(meant, references) for part, meant in schemas.items()}


def _renamed(value: Any, references: dict[str, str]) -> Any:  # noqa: ANN401 (any JSON value)
    """`value` with the new names in its references."""
    if isinstance(value, dict):
        return {key: _renamed(inner, references) for key, inner in value.items()}
    if isinstance(value, list):
        return [_renamed(inner, references) for inner in value]
    return references.get(value, value) if isinstance(value, str) else value


def rendered(document: dict[str, Any]) -> str:
    """The document as JSON, as it is committed."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"

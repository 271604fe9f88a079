"""The OpenAPI description of the REST contract. `make openapi` writes the committed one."""

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

# What no endpoint's signature names: bodies are checked by hand, so that all of their faults are told at once.
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
    "description": "A model as SwiftCoreMLTools writes it.",
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
        # Every route refuses query parameters that it does not know, and the gate pages of others and hosts of others.
        told = operation["responses"] | {str(status): text for status, text in responses(403, 421, 422).items()}
        operation["responses"] = dict(sorted(told.items()))
    schemas: dict[str, Any] = document["components"]["schemas"]
    for name, kind in _BESIDES.items():
        schemas |= _schemas(name, kind, schemas)
    schemas[SWIFT_NAME] = _SWIFT
    for name, example in EXAMPLES.items():
        schemas[name]["examples"] = [example]
    # To pydantic it is any object, since faults in it have to be told together with all others.
    spec = schemas["ModelSource"]["properties"]["spec"]
    spec["anyOf"] = [{"$ref": _REF.format(model="ModelSpec")}, {"type": "null"}]
    # FastAPI describes its own form of a 422, which never leaves this service.
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
        "description": "A token made by `pippin tokens create`. A service that only its own machine reaches demands "
        "none before the first one is made.",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": COOKIE,
        "description": "What `POST /session` gives a browser for a token. Whatever changes something takes an `Origin` "
        "header of the service's own with it, as browsers send it.",
    },
}


def _describe_access(document: dict[str, Any], operations: Operations) -> None:
    """Say of each operation which role it takes, and how it is refused."""
    document["components"]["securitySchemes"] = _SCHEMES
    roles = {(each.method, each.path): each.access.role for each in operations}
    # Redis is asked about each token, hence the 503.
    refused = responses(401, 429, 503)
    for path, item in document["paths"].items():
        for method, operation in item.items():
            role = roles[method.upper(), path]
            if role is None:
                operation["security"] = []
                continue
            schemes = ["bearer"] if operation["operationId"] == "beginSession" else list(_SCHEMES)
            # Roles are named here as OpenAPI 3.1 allows it for schemes that have no scopes.
            operation["security"] = [{scheme: [role]} for scheme in schemes]
            answers = operation["responses"] | {str(status): told for status, told in refused.items()}
            operation["responses"] = dict(sorted(answers.items()))


def _schemas(name: str, kind: type[BaseModel], taken: dict[str, Any]) -> dict[str, Any]:
    """The schemas of `kind`, as `name`, and of its parts; a part whose name means something else gets a longer one."""
    schema = kind.model_json_schema(ref_template=_REF)
    parts: dict[str, Any] = schema.pop("$defs", {})
    longer = {part: f"{name}{part}" for part, meant in parts.items() if taken.get(part, meant) != meant}
    references = {_REF.format(model=old): _REF.format(model=new) for old, new in longer.items()}
    found = {name: schema} | {longer.get(part, part): meant for part, meant in parts.items()}
    return {part: _led(meant, references) for part, meant in found.items()}


def _led(value: Any, references: dict[str, str]) -> Any:  # noqa: ANN401 (any JSON value)
    """`value`, its references leading to the new names."""
    if isinstance(value, dict):
        return {key: _led(inner, references) for key, inner in value.items()}
    if isinstance(value, list):
        return [_led(inner, references) for inner in value]
    return references.get(value, value) if isinstance(value, str) else value


def rendered(document: dict[str, Any]) -> str:
    """The document as it is committed."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"

"""The OpenAPI schemas of request bodies. Endpoints check these bodies themselves, to report all faults at once."""

from typing import Any

from pydantic import BaseModel

from service.examples import EXAMPLES
from service.portable_schemas import REFERENCE

_REF = REFERENCE + "{model}"

SWIFT_NAME = "SwiftCoreMLToolsModel"
"""The component for a model as SwiftCoreMLTools writes it."""


def body(kind: type[BaseModel], *, required: bool = True) -> dict[str, Any]:
    """The `openapi_extra` of an endpoint that takes a `kind` as JSON."""
    schema = {"$ref": _REF.format(model=kind.__name__)}
    content = {"application/json": {"schema": schema, "example": EXAMPLES[kind.__name__]}}
    return {"requestBody": {"required": required, "content": content}}


def model_document_body() -> dict[str, Any]:
    """The `openapi_extra` of an endpoint that takes a model or a job as JSON or YAML."""
    schema = {"anyOf": [*model_document()["anyOf"], {"$ref": _REF.format(model="JobRequest")}]}
    content = {kind: {**described, "schema": schema} for kind, described in _model_documents().items()}
    return {"requestBody": {"required": True, "content": content}}


def model_body() -> dict[str, Any]:
    """The `openapi_extra` of an endpoint that takes a model as a file or as a document."""
    binary = {"type": "string", "format": "binary"}
    content = {
        "application/octet-stream": {"schema": binary},
        "multipart/form-data": {"schema": form(binary)},
    }
    return {"requestBody": {"required": True, "content": content | _model_documents()}}


def form(file: dict[str, Any]) -> dict[str, Any]:
    """The schema of a multipart form whose only field is `file`, which may repeat."""
    return {"type": "object", "required": ["file"], "additionalProperties": False, "properties": {"file": file}}


def model_document() -> dict[str, Any]:
    """The schema of a model as a spec or as SwiftCoreMLTools writes it."""
    return {"anyOf": [{"$ref": _REF.format(model=name)} for name in ("ModelSpec", SWIFT_NAME)]}


def _model_documents() -> dict[str, Any]:
    # YAML is accepted too. The endpoint's description says so, since client generators do not support such a body.
    return {"application/json": {"schema": model_document(), "example": EXAMPLES["ModelSpec"]}}

"""Specs, checked without training anything."""

from typing import Annotated

from fastapi import APIRouter, Body

from pippin.spec import ModelSpec, resolve
from pippin.spec.summary import SpecSummary, summary
from service import openapi
from service.bodies import JsonRoute
from service.problems import responses

router = APIRouter(tags=["specs"], route_class=JsonRoute)


@router.post(
    "/specs/validate",
    operation_id="validateSpec",
    summary="Check a model spec",
    response_description="The spec is right, and this is what it describes.",
    responses=responses(400, 413, 415, 422),
    openapi_extra=openapi.body(ModelSpec),
)
def validate(spec: Annotated[object, Body()]) -> SpecSummary:
    """Shapes and parameter counts of a model, or every fault of its spec with pointers from the spec's root."""
    return summary(resolve(spec))

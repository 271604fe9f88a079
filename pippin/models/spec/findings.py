"""Errors of a spec, and warnings about a model that Core ML accepts."""

from pydantic import BaseModel, ConfigDict, Field

from pippin.errors import Fault, FaultyDocumentError


class SpecError(FaultyDocumentError):
    """A model spec is refused; carries every fault, with pointers from the spec's root."""


class Finding(BaseModel):
    """A warning about a model."""

    model_config = ConfigDict(frozen=True)

    rule: str = Field(description="The id of the check, such as `runtime.lstm`.")
    pointer: str = Field(description="RFC 6901 JSON pointer into the spec.")
    detail: str = Field(description="The finding, its effect, and its source.")
    line: int | None = Field(
        default=None,
        exclude_if=lambda line: line is None,
        description="The line of the value in the document, from 1; only `POST /specs/validate` gives it.",
    )
    column: int | None = Field(
        default=None, exclude_if=lambda column: column is None, description="Its column in that line, from 1."
    )

    @classmethod
    def of(cls, fault: Fault, rule: str) -> "Finding":
        """The finding for a fault that the check `rule` reports."""
        return cls(rule=rule, pointer=fault.pointer, detail=fault.detail)

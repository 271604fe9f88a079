"""Error responses: problem documents (RFC 9457)."""

from pydantic import BaseModel, ConfigDict, Field


class ErrorItem(BaseModel):
    """One fault of a request: in the body (`pointer`) or in a query parameter or header (`parameter`)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pointer: str | None = Field(default=None, description="RFC 6901 JSON pointer into the request body.")
    parameter: str | None = Field(default=None, description="The query parameter or header at fault.")
    detail: str = Field(description="What was found and what would be right.")
    rule: str | None = Field(default=None, description="The id of the rule that was broken, where it has one.")


class ProblemDocument(BaseModel):
    """An error, in the form of RFC 9457."""

    model_config = ConfigDict(frozen=True)

    type: str = Field(description="Names the kind of problem; stable.")
    title: str = Field(description="The kind of problem in words.")
    status: int
    detail: str = Field(description="What happened this time.")
    instance: str = Field(description="The path that was asked for.")
    errors: list[ErrorItem] | None = Field(default=None, description="Each fault of the request, where it has any.")
    id: str | None = Field(default=None, description="Of an internal error: finds it in the service's log.")

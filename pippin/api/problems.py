"""Error responses: problem documents (RFC 9457)."""

from pydantic import BaseModel, ConfigDict, Field


class ErrorItem(BaseModel):
    """One fault of a request: in the body (`pointer`) or in a query parameter or header (`parameter`)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pointer: str | None = Field(default=None, description="RFC 6901 JSON pointer into the request body.")
    parameter: str | None = Field(default=None, description="The query parameter or header at fault.")
    detail: str = Field(description="What was found and what is needed.")
    rule: str | None = Field(default=None, description="The id of the violated rule, if there is one.")


class ProblemDocument(BaseModel):
    """An error, in the form of RFC 9457."""

    model_config = ConfigDict(frozen=True)

    type: str = Field(description="Identifies the kind of problem; stable.")
    title: str = Field(description="Short description of the kind of problem.")
    status: int
    detail: str = Field(description="Explanation of this occurrence.")
    instance: str = Field(description="The requested path.")
    errors: list[ErrorItem] | None = Field(default=None, description="The faults of the request, if it has any.")
    id: str | None = Field(
        default=None, description="For an internal error: the id under which the service's log has the details."
    )

"""The service itself: whether it works, and the identity of a caller."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from pippin.api.tokens import Role


class Health(BaseModel):
    """The service works."""

    model_config = ConfigDict(frozen=True)

    status: Literal["ok"] = "ok"


class Liveness(Health):
    """The process of the service is alive."""

    version: str = Field(description="The version of Pippin that the service runs.")


class Session(BaseModel):
    """The identity of a caller."""

    model_config = ConfigDict(frozen=True)

    role: Role = Field(description="The role of the caller.")
    tenant: str = Field(description="The tenant whose jobs, datasets and models the caller sees.")
    token: str | None = Field(description="The id of the caller's token; null if no token is required.")
    expires_at: datetime | None = Field(default=None, description="End of a session that has just begun.")

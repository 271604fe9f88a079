"""The service itself: whether it works, and the identity of a caller."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from pippin.api.tokens import Role


class Health(BaseModel):
    """A sign of life."""

    model_config = ConfigDict(frozen=True)

    status: Literal["ok"] = "ok"


class Session(BaseModel):
    """Who somebody is to the service."""

    model_config = ConfigDict(frozen=True)

    role: Role = Field(description="What they may do.")
    tenant: str = Field(description="Whose jobs, datasets and models they see.")
    token: str | None = Field(description="The id of their token; null where no token is demanded.")
    expires_at: datetime | None = Field(default=None, description="When a session that was just begun ends.")

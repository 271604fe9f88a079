"""What is wrong with a spec, and what may go wrong with a model that Core ML accepts."""

from pydantic import BaseModel, ConfigDict, Field

from pippin.errors import Fault, FaultyDocumentError


class SpecError(FaultyDocumentError):
    """A model spec that was refused; carries every fault found, with pointers from the spec's root."""


class Finding(BaseModel):
    """One such thing."""

    model_config = ConfigDict(frozen=True)

    rule: str = Field(description="The id of the check, such as `runtime.lstm`.")
    pointer: str = Field(description="RFC 6901 JSON pointer into the spec.")
    detail: str = Field(description="What was found, what becomes of it, and where that is known from.")

    @classmethod
    def of(cls, fault: Fault, rule: str) -> "Finding":
        """What a check says, as a finding."""
        return cls(rule=rule, pointer=fault.pointer, detail=fault.detail)

"""An uploaded model in the REST API and in the store."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from pippin.models.neighbors.summary import NeighborsSummary
from pippin.models.spec.findings import Finding
from pippin.models.spec.summary import FeatureSummary, NetworkSummary, SpecSummary
from pippin.models.trainable import Trainable


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, allow_inf_nan=False)


class PipelineSummary(_Value):
    """A chain of models, of which the last is trained."""

    kind: Literal["pipeline"]
    inputs: list[FeatureSummary]
    outputs: list[FeatureSummary]
    training_inputs: list[FeatureSummary] = Field(description="Features of a training example.")
    front: list[NetworkSummary] = Field(description="The frozen networks, in the order of computation.")
    last: SpecSummary | NeighborsSummary = Field(description="The model that is trained.")


Description = Annotated[SpecSummary | NeighborsSummary | PipelineSummary, Field(discriminator="kind")]


class Inspection(_Value):
    """The result of inspecting a model file."""

    model: Description
    findings: list[Finding]
    trainable: Trainable


class ModelRecord(_Value):
    """An uploaded model."""

    id: str
    name: str | None
    source: Literal["mlmodel", "spec", "swiftcoremltools"] = Field(description="Form of the upload.")
    digest: str = Field(pattern=r"^sha256:[0-9a-f]{64}$", description="Digest of the `.mlmodel`.")
    bytes: int = Field(ge=0, description="Size of the `.mlmodel`.")
    model: Description
    findings: list[Finding] = Field(
        description="Known problems of the model in Core ML, and corrections made when it was read."
    )
    created_at: datetime


class StoredModel(ModelRecord):
    """The record in the store, with the training properties that a job needs."""

    trainable: Trainable

"""Lists of models: uploaded models and the presets that come with Pippin."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from pippin.api.pages import Page
from pippin.models.record import ModelRecord
from pippin.models.spec.summary import SpecSummary

ModelForm = Literal["pippin", "swiftcoremltools"]
"""The formats in which the service describes a model."""


class ModelPage(Page[ModelRecord]):
    """A page of models, newest first."""


class PresetModel(BaseModel):
    """A model that comes with Pippin."""

    model_config = ConfigDict(frozen=True)

    name: str
    model: SpecSummary


class PresetList(BaseModel):
    """All models that come with Pippin, by name."""

    model_config = ConfigDict(frozen=True)

    data: list[PresetModel]

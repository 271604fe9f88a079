"""Datasets: manifests, which describe a dataset without its arrays, pages, previews and class counts."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from pippin.api.pages import Page

Format = Literal["idx", "csv", "npz", "images"]
DType = Literal["uint8", "int32", "float32"]

MAX_NOTICES = 20
"""Maximum number of notices of a dataset; enforced by `pippin.datasets.notices`."""

LISTED_LABELS = 100
"""Number of labels of each dataset in a list of datasets."""


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, allow_inf_nan=False)


class Feature(_Value):
    """One named array of a dataset."""

    name: str
    shape: tuple[int, ...] = Field(description="Of one example; a single value is [1].")
    dtype: DType = Field(description="As stored.")
    scale: float = Field(default=1.0, description="What a stored value is multiplied by before a model sees it.")


class Split(_Value):
    """A named part of a dataset's examples."""

    name: str
    examples: int = Field(ge=1)


class Manifest(_Value):
    """A dataset."""

    id: str
    name: str | None
    format: Format = Field(description="As it was sent, or as it was recognised.")
    digest: str = Field(pattern=r"^sha256:[0-9a-f]{64}$", description="Of the stored arrays.")
    bytes: int = Field(ge=0, description="Size of the stored arrays.")
    features: list[Feature] = Field(description="Inputs first, the target last, where the format tells them apart.")
    splits: list[Split]
    labels: list[str] | None = Field(description="The class that each label number stands for; null without names.")
    label_count: int | None = Field(
        default=None, description="How many classes have names: a list of datasets has the first labels only."
    )
    notices: list[str] = Field(
        default=[],
        max_length=MAX_NOTICES,
        description="What was assumed or left out while the upload was read, one sentence each.",
    )
    created_at: datetime

    def labels_of(self, feature: str) -> list[str] | None:
        """The class names for the values of a feature; only the target, which is the last feature, has names."""
        return self.labels if self.features and self.features[-1].name == feature else None


class Range(_Value):
    """The extreme values of a feature in a split, as stored, and their places in the uploaded files."""

    minimum: float
    minimum_at: str = Field(description='A place for a person: "train.csv row 18" or "example 17" (from 1).')
    maximum: float
    maximum_at: str
    fraction_at: str | None = Field(description="Where the first value stands that is not whole; null when all are.")


class StoredManifest(Manifest):
    """The stored manifest, with the ranges of values, so that the check of a job does not open the arrays."""

    ranges: dict[str, dict[str, Range]] = Field(description="Split -> feature -> its extreme values.")

    def shown(self, max_labels: int | None = None) -> Manifest:
        """The manifest for a response, with the first `max_labels` labels; None keeps all."""
        fields = {name: getattr(self, name) for name in Manifest.model_fields}
        if self.labels is not None:
            fields |= {"labels": self.labels[:max_labels], "label_count": len(self.labels)}
        return Manifest.model_construct(**fields)


class DatasetPage(Page[Manifest]):
    """A page of datasets, newest first."""

    data: list[Manifest] = Field(
        description=f"Of each dataset the first {LISTED_LABELS} labels; `label_count` says how many there are. "
        "Fewer datasets than `limit` where their records are large."
    )


class Preview(BaseModel):
    """Some examples of a dataset."""

    model_config = ConfigDict(frozen=True)

    dataset: str
    split: str
    examples: list[dict[str, Any]] = Field(
        description="Feature name -> its values as stored, nested by its shape; `scale` is not applied."
    )
    truncated: list[str] = Field(
        description="Features of which one example is too large to show: they have their first values only, in a row."
    )


class ClassCount(BaseModel):
    """Number of examples of a class."""

    model_config = ConfigDict(frozen=True)

    label: str | int = Field(description="The class's name, or its number where it has none.")
    examples: int


class ClassBalance(BaseModel):
    """Number of examples of each class of a dataset."""

    model_config = ConfigDict(frozen=True)

    dataset: str
    feature: str = Field(description="Where the class stands.")
    splits: dict[str, list[ClassCount]] = Field(description="Split -> its classes, in the order of their numbers.")


def held_out_count(examples: int, fraction: float) -> int:
    """Number of a split's examples that `validation_fraction` holds out for validation.

    Returns:
        At least one, and never all; 0 where there is only one example.
    """
    return min(max(1, round(examples * fraction)), examples - 1)

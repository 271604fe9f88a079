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
    shape: tuple[int, ...] = Field(description="Shape of one example; [1] for a single value.")
    dtype: DType = Field(description="Data type of the stored values.")
    scale: float = Field(
        default=1.0, description="Factor by which stored values are multiplied before they are fed to a model."
    )


class Split(_Value):
    """A named part of a dataset's examples."""

    name: str
    examples: int = Field(ge=1)


class Manifest(_Value):
    """A dataset."""

    id: str
    name: str | None
    format: Format = Field(description="Format of the upload, as declared or as recognised.")
    digest: str = Field(pattern=r"^sha256:[0-9a-f]{64}$", description="Digest of the stored arrays.")
    bytes: int = Field(ge=0, description="Size of the stored arrays.")
    features: list[Feature] = Field(description="Inputs first and the target last, if the format distinguishes them.")
    splits: list[Split]
    labels: list[str] | None = Field(description="Class names by label number; null without names.")
    label_count: int | None = Field(
        default=None, description="Number of classes with names; a list of datasets contains only the first labels."
    )
    notices: list[str] = Field(
        default=[],
        max_length=MAX_NOTICES,
        description="Assumptions and omissions while the upload was read, one sentence each.",
    )
    created_at: datetime

    def labels_of(self, feature: str) -> list[str] | None:
        """The class names for the values of a feature; only the target, which is the last feature, has names."""
        return self.labels if self.features and self.features[-1].name == feature else None


class Range(_Value):
    """The extreme values of a feature in a split, as stored, and their places in the uploaded files."""

    minimum: float
    minimum_at: str = Field(
        description='A position in the upload as text: "train.csv row 18" or "example 17" (from 1).'
    )
    maximum: float
    maximum_at: str
    fraction_at: str | None = Field(
        description="Position of the first value that is not a whole number; null if all are whole."
    )


class StoredManifest(Manifest):
    """The stored manifest, with the ranges of values, so that the check of a job does not open the arrays."""

    ranges: dict[str, dict[str, Range]] = Field(description="Extreme values by split and feature.")

    def shown(self, max_labels: int | None = None) -> Manifest:
        """The manifest for a response, with the first `max_labels` labels; None keeps all."""
        fields = {name: getattr(self, name) for name in Manifest.model_fields}
        if self.labels is not None:
            fields |= {"labels": self.labels[:max_labels], "label_count": len(self.labels)}
        return Manifest.model_construct(**fields)


class DatasetPage(Page[Manifest]):
    """A page of datasets, newest first."""

    data: list[Manifest] = Field(
        description=f"Each dataset with its first {LISTED_LABELS} labels; `label_count` is the number of all labels. "
        "A page has fewer datasets than `limit` if their records are large."
    )


class Preview(BaseModel):
    """Some examples of a dataset."""

    model_config = ConfigDict(frozen=True)

    dataset: str
    split: str
    examples: list[dict[str, Any]] = Field(
        description="Stored values by feature name, nested by the feature's shape; `scale` is not applied."
    )
    truncated: list[str] = Field(
        description="Features of which one example is too large to show: only their first values, as a flat list."
    )


class ClassCount(BaseModel):
    """Number of examples of a class."""

    model_config = ConfigDict(frozen=True)

    label: str | int = Field(description="The class's name, or its number if it has no name.")
    examples: int


class ClassBalance(BaseModel):
    """Number of examples of each class of a dataset."""

    model_config = ConfigDict(frozen=True)

    dataset: str
    feature: str = Field(description="The feature that holds the class.")
    splits: dict[str, list[ClassCount]] = Field(description="Classes by split, in the order of their numbers.")


def held_out_count(examples: int, fraction: float) -> int:
    """Number of a split's examples that `validation_fraction` holds out for validation.

    Returns:
        At least one, and never all; 0 where there is only one example.
    """
    return min(max(1, round(examples * fraction)), examples - 1)

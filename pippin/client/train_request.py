"""Builds the body of `POST /jobs` from the arguments of `train`."""

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any, TypeAlias, TypedDict

from pippin.api.jobs import Job
from pippin.api.requests import ModelSource
from pippin.client.job_view import AsyncJobView
from pippin.ids import is_id
from pippin.models.spec.presets import preset_names

ModelRequest: TypeAlias = str | PathLike[str] | Mapping[str, Any] | Job | AsyncJobView
"""A preset's name, an uploaded model's id or name, a job (or its id) to train further, a file to upload, or a spec."""

DatasetRequest: TypeAlias = str | PathLike[str] | Mapping[str, Any]
"""A dataset's id or name, a file to upload, or the mapping that `POST /jobs` accepts: `{"id": …, "validation": …}`."""


class HyperparameterRequest(TypedDict, total=False):
    """Hyperparameters under their Core ML names, in snake case; a missing one has the model's default."""

    epochs: int
    mini_batch_size: int
    learning_rate: float
    momentum: float
    beta1: float
    beta2: float
    eps: float
    number_of_neighbors: int
    shuffle: bool
    seed: int


def model_source(model: ModelRequest) -> dict[str, Any] | Path:
    """The `model` of a request, or the path of the file to upload first."""
    if isinstance(model, Job | AsyncJobView):
        return {"job": model.id}
    if isinstance(model, Mapping):
        is_source = len(model) == 1 and model.keys() <= ModelSource.model_fields.keys()
        return dict(model) if is_source else {"spec": dict(model)}
    if not isinstance(model, str):
        return Path(model)
    if model in preset_names():
        return {"preset": model}
    return {"job": model} if is_id(model, "job") else {"id": model}


def dataset_source(dataset: DatasetRequest) -> dict[str, Any] | str | Path:
    """The `dataset` of a request, or the path of the file to upload first."""
    if isinstance(dataset, Mapping):
        return dict(dataset)
    return dataset if isinstance(dataset, str) else Path(dataset)


def request(
    model: dict[str, Any],
    dataset: dict[str, Any] | str,
    name: str | None,
    hyperparameters: HyperparameterRequest,
    options: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """The body of `POST /jobs`."""
    named = {} if name is None else {"name": name}
    return {**named, "model": model, "dataset": dataset, "hyperparameters": dict(hyperparameters), **(options or {})}

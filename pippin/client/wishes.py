"""What `train` is given, put into the words of `POST /jobs`."""

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any, TypeAlias, TypedDict

from pippin.api.jobs import Job
from pippin.api.requests import ModelSource
from pippin.client.known import KnownJob
from pippin.ids import is_id
from pippin.models.spec.presets import preset_names

ModelWish: TypeAlias = str | PathLike[str] | Mapping[str, Any] | Job | KnownJob
"""A preset's name, an uploaded model's id or name, a job (or its id) to train further, a file to upload, or a spec."""

DatasetWish: TypeAlias = str | PathLike[str] | Mapping[str, Any]
"""A dataset's id or name, a file to upload, or what `POST /jobs` takes: `{"id": …, "validation": …}`."""


class HyperparameterWish(TypedDict, total=False):
    """Hyperparameters under Core ML's names, in snake case; what is left out takes the model's default."""

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


def model_source(model: ModelWish) -> dict[str, Any] | Path:
    """The `model` of a request, or the file that must be uploaded first."""
    if isinstance(model, Job | KnownJob):
        return {"job": model.id}
    if isinstance(model, Mapping):
        chosen = len(model) == 1 and model.keys() <= ModelSource.model_fields.keys()
        return dict(model) if chosen else {"spec": dict(model)}
    if not isinstance(model, str):
        return Path(model)
    if model in preset_names():
        return {"preset": model}
    return {"job": model} if is_id(model, "job") else {"id": model}


def dataset_source(dataset: DatasetWish) -> dict[str, Any] | str | Path:
    """The `dataset` of a request, or the file that must be uploaded first."""
    if isinstance(dataset, Mapping):
        return dict(dataset)
    return dataset if isinstance(dataset, str) else Path(dataset)


def request(
    model: dict[str, Any],
    dataset: dict[str, Any] | str,
    name: str | None,
    hyperparameters: HyperparameterWish,
    options: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """The body of `POST /jobs`."""
    named = {} if name is None else {"name": name}
    return {**named, "model": model, "dataset": dataset, "hyperparameters": dict(hyperparameters), **(options or {})}

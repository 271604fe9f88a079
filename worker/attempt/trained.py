"""The trained file: the job's model with its trained weights, and metadata of their origin."""

import json
from collections.abc import Iterator, Mapping
from importlib.metadata import version

import numpy as np

from pippin.api.metrics import EpochMetrics
from pippin.api.requests import Hyperparameters
from pippin.api.states import Reason
from pippin.models.mlmodel import Learned, Model, Pipeline, Samples, open_model, with_learned
from pippin.models.neighbors import NeighborsModel
from pippin.models.spec.values import RESERVED_PREFIX
from worker.engines.engine import EngineError


def provenance(
    *,
    engine: str,
    dataset: str,
    hyperparameters: Hyperparameters,
    last: EpochMetrics | None,
    scales: Mapping[str, float],
) -> dict[str, str]:
    """The origin of a trained file, as user-defined metadata.

    The metadata is reproducible: no job id and no time, so that two equal trainings give equal files.

    Args:
        engine: The name of the engine.
        dataset: The digest of the dataset's arrays.
        hyperparameters: The hyperparameters of the training; None values are omitted.
        last: Metrics of the last epoch.
        scales: Input name -> factor that scales a picture's bytes to the range of the training data.
    """
    measured = None if last is None else (last.loss, last.validation_loss, last.validation_accuracy)
    metrics = dict(zip(("loss", "validation_loss", "validation_accuracy"), measured or (), strict=False))
    return {
        f"{RESERVED_PREFIX}version": version("pippin"),
        f"{RESERVED_PREFIX}engine": engine,
        f"{RESERVED_PREFIX}dataset": dataset,
        f"{RESERVED_PREFIX}hyperparameters": json.dumps(hyperparameters.model_dump(exclude_none=True), sort_keys=True),
        f"{RESERVED_PREFIX}metrics": json.dumps({name: value for name, value in metrics.items() if value is not None}),
        **{f"{RESERVED_PREFIX}scale.{name}": repr(scale) for name, scale in scales.items()},
    }


def write_trained(model: bytes, learned: Learned, metadata: Mapping[str, str]) -> bytes:
    """Return the file with the learned weights or samples and the metadata, after reading it back and comparing it.

    Raises:
        EngineError: The weights or samples read back differ from the learned ones.
        ModelFileError: The weights or samples do not fit the model.
    """
    trained = with_learned(model, learned, metadata)
    back = open_model(trained)
    lost = next(_differing(back.last if isinstance(back, Pipeline) else back, learned), None)
    if lost is not None:
        raise EngineError(Reason.ENGINE_ERROR, f"{lost} differs between the trained file and the training result")
    return trained


def _differing(model: Model | NeighborsModel, learned: Learned) -> Iterator[str]:
    """The names of weights or samples in which the model differs from `learned`."""
    if isinstance(learned, Samples):
        assert isinstance(model, NeighborsModel)
        if model.labels != learned.labels or not np.array_equal(model.samples, learned.points):
            yield "a sample"
        return
    assert isinstance(model, Model)
    for layer, arrays in learned.items():
        for name, array in arrays.items():
            if not np.array_equal(model.weights[layer][name], array):
                yield f"the trained {name} of layer {layer}"

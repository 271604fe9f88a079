"""Checkpoints: the state of a training between two mini-batches, and the file from which the training resumes.

The file has the safetensors format: tensors by kind, key and layer, and the other fields as metadata.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError
from safetensors.numpy import load, save

from pippin.errors import PippinError
from pippin.models.spec.weights import Weights


@dataclass(frozen=True, eq=False)
class ShuffleState:
    """The state of a shuffle that continues from epoch to epoch.

    Attributes:
        order: [count] of int32, the row numbers of the examples in the order of the last finished epoch; before the
            first epoch, in the order of the data.
        generator: The state of the random-number generator after that epoch, 1 to 2147483646.
    """

    order: NDArray[np.int32]
    generator: int


@dataclass(frozen=True)
class Checkpoint:
    """The state of a training between two mini-batches.

    Attributes:
        engine: The engine that wrote the checkpoint. Other engines cannot resume from it.
        epoch: The number of finished epochs.
        step: The number of finished mini-batches of the next epoch; 0 at the end of an epoch.
        taken: The total number of optimizer steps.
        batch_sums: The sum of the losses of each of the `step` mini-batches, over its own examples.
        weights: The trained weights, by layer and key.
        moments: The state of the optimizer for each of these weights, in arrays of the same shapes: m and v of Adam,
            the velocity of SGD. Empty for an engine that does not provide this state, such as Core ML.
        batch_totals: The sum of the losses of each of the `step` mini-batches, over its own examples and the examples
            that fill up the last mini-batch.
        environment: The conditions that the bits of a result depend on: versions, device, number of threads.
        switches: The choices of the engine where Core ML's documents leave the computation open. A training keeps its
            first switches. Empty in files of the format `pippin-checkpoint-1`, and for an engine without switches.
        shuffle: The state of the shuffle at the end of the last finished epoch; None without a continuing shuffle.
    """

    engine: str
    epoch: int
    step: int
    taken: int
    batch_sums: tuple[float, ...]
    weights: Weights
    moments: tuple[Weights, ...] = ()
    batch_totals: tuple[float, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    switches: Mapping[str, str] = field(default_factory=dict)
    shuffle: ShuffleState | None = None


_FORMAT = "pippin-checkpoint-2"
# The former format: no switches, no state of a shuffle, and one sum of losses for each mini-batch. Still readable.
_FORMER_FORMAT = "pippin-checkpoint-1"
_KEY = "pippin"  # in the metadata, whose values are text
_SUMS = "batch_sums"
_TOTALS = "batch_totals"
_ORDER = "order"
_WEIGHTS = "weights"


class CheckpointError(PippinError):
    """A file is not a checkpoint, or is damaged."""


class _Header(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    format: str = Field(pattern=f"^({_FORMAT}|{_FORMER_FORMAT})$")
    engine: str
    epoch: Annotated[int, Field(ge=0)]
    step: Annotated[int, Field(ge=0)]
    taken: Annotated[int, Field(ge=0)]
    moments: Annotated[int, Field(ge=0, le=8)]
    environment: dict[str, str]
    switches: dict[str, str] = Field(default_factory=dict)
    generator: Annotated[int, Field(ge=1, lt=2**31 - 1)] | None = None


def write_checkpoint(checkpoint: Checkpoint) -> bytes:
    """The checkpoint as a file."""
    header = _Header(
        format=_FORMAT,
        engine=checkpoint.engine,
        epoch=checkpoint.epoch,
        step=checkpoint.step,
        taken=checkpoint.taken,
        moments=len(checkpoint.moments),
        environment=dict(checkpoint.environment),
        switches=dict(checkpoint.switches),
        generator=None if checkpoint.shuffle is None else checkpoint.shuffle.generator,
    )
    tensors: dict[str, NDArray[Any]] = {
        _SUMS: np.asarray(checkpoint.batch_sums, np.float64),
        _TOTALS: np.asarray(checkpoint.batch_totals, np.float64),
    }
    if checkpoint.shuffle is not None:
        tensors[_ORDER] = np.ascontiguousarray(checkpoint.shuffle.order, np.int32)
    tensors |= _flattened(_WEIGHTS, checkpoint.weights)
    for number, moment in enumerate(checkpoint.moments):
        tensors |= _flattened(_moment(number), moment)
    data: bytes = save(tensors, {_KEY: header.model_dump_json()})
    return data


def read_checkpoint(data: bytes) -> Checkpoint:
    """The checkpoint in a file.

    Raises:
        CheckpointError: The file is not a checkpoint, or is damaged.
    """
    try:
        tensors = load(data)
        header = _Header.model_validate_json(_metadata(data))
        return Checkpoint(
            engine=header.engine,
            epoch=header.epoch,
            step=header.step,
            taken=header.taken,
            batch_sums=tuple(tensors[_SUMS].tolist()),
            weights=_nested(_WEIGHTS, tensors),
            moments=tuple(_nested(_moment(number), tensors) for number in range(header.moments)),
            batch_totals=tuple(tensors[_SUMS if header.format == _FORMER_FORMAT else _TOTALS].tolist()),
            environment=header.environment,
            switches=header.switches,
            shuffle=None if header.generator is None else ShuffleState(tensors[_ORDER], header.generator),
        )
    except (SafetensorError, ValidationError, KeyError, ValueError) as error:
        raise CheckpointError(f"not a checkpoint, or a damaged one: {error}") from error


def _metadata(data: bytes) -> str:
    """The metadata of a safetensors file, which begins with eight bytes for the length of the header, then JSON."""
    length = int.from_bytes(data[:8], "little")
    text: str = json.loads(data[8 : 8 + length])["__metadata__"][_KEY]
    return text


def _moment(number: int) -> str:
    return f"moment{number}"


def _flattened(kind: str, nested: Weights) -> dict[str, NDArray[Any]]:
    # safetensors writes the memory of an array and ignores its strides.
    return {
        f"{kind}/{key}/{layer}": np.ascontiguousarray(array)
        for layer, arrays in nested.items()
        for key, array in arrays.items()
    }


def _nested(kind: str, tensors: dict[str, NDArray[Any]]) -> Weights:
    weights: dict[str, dict[str, NDArray[np.float32]]] = {}
    for name, array in tensors.items():
        # Only the last part, the name of the layer, may contain a slash.
        parts = name.split("/", 2)
        if parts[0] == kind:
            _, key, layer = parts
            weights.setdefault(layer, {})[key] = array
    return weights

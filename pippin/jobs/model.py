"""The model of a job, where the request itself describes it."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pippin.api.requests import ModelSource, ResolvedModel
from pippin.errors import Fault, FaultyDocumentError
from pippin.models.documents import read_spec, read_swift
from pippin.models.spec import ResolvedSpec, resolve
from pippin.models.spec.presets import UnknownPresetError, preset
from pippin.models.spec.table import LAYERS
from pippin.models.trainable import Trainable, trainable_network


@dataclass(frozen=True)
class ChosenModel:
    """The model of a job.

    Attributes:
        source: What was asked for, and the file that it has come to.
        trainable: What is known of it.
        spec: What it is built from; empty where there is a file.
        taught: Of a job's model, what the dataset that it was trained on calls the classes, by the model's number.
    """

    source: ResolvedModel
    trainable: Trainable
    spec: dict[str, Any]
    taught: list[str] | None = None


def written(source: ModelSource) -> ResolvedSpec | None:
    """The model that a source describes; None for one that names an uploaded model or a job.

    Raises:
        FaultyDocumentError: It has faults; pointers start at `source`.
    """
    kind, given = source.given
    if kind not in _WRITTEN:
        return None
    try:
        return _WRITTEN[kind](given)
    except FaultyDocumentError as error:
        raise FaultyDocumentError("the model has faults", [fault.under(f"/{kind}") for fault in error.faults]) from None


def _preset(name: str) -> ResolvedSpec:
    try:
        document = preset(name)
    except UnknownPresetError as error:
        raise FaultyDocumentError("unknown", [Fault("", str(error))]) from None
    return resolve(document)


_WRITTEN: Final[Mapping[str, Callable[[Any], ResolvedSpec]]] = {
    "preset": _preset,
    "spec": read_spec,
    "swiftcoremltools": read_swift,
}


def built(source: ModelSource, resolved: ResolvedSpec) -> ChosenModel:
    """The model of a job that describes it."""
    return ChosenModel(_without_arrays(source), trainable_network(resolved), resolved.spec.document())


def _without_arrays(source: ModelSource) -> ResolvedModel:
    """The source as the job's record shows it: explicit weights, which may be megabytes, are in the spec alone."""
    spec, swift = source.spec, source.swiftcoremltools
    if spec is not None:
        spec = spec | {"layers": [_bare(layer, _arrays_of(layer)) for layer in spec["layers"]]}
    if swift is not None:
        network = swift["neuralNetwork"]
        layers = [layer | {"base": _bare(layer["base"], _SWIFT_ARRAYS)} for layer in network["layers"]]
        swift = swift | {"neuralNetwork": network | {"layers": layers}}
    return ResolvedModel(**dict(source) | {"spec": spec, "swiftcoremltools": swift})


def _arrays_of(layer: Mapping[str, Any]) -> Collection[str]:
    """The fields of a layer of a valid spec that hold arrays; `alpha` is one of prelu and a number of leaky_relu."""
    return LAYERS[layer["type"]].array_fields


def has_weights(spec: Mapping[str, Any]) -> bool:
    """Whether a resolved spec holds explicit weights."""
    return any(layer.get(name) is not None for layer in spec.get("layers", ()) for name in _arrays_of(layer))


_SWIFT_ARRAYS = frozenset({"weight", "bias"})


def _bare(layer: dict[str, Any], arrays: Collection[str]) -> dict[str, Any]:
    return {name: value for name, value in layer.items() if name not in arrays}

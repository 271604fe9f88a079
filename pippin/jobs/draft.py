"""Checks the request of a job part by part, so that one answer lists the faults of all parts."""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, Literal, Self, TypeVar

from pydantic import BaseModel, ValidationError

from pippin.api.engines import EngineName, resolve_engines
from pippin.api.requests import (
    DatasetSource,
    EngineRequest,
    HyperparameterChoice,
    Hyperparameters,
    JobRequest,
    ModelSource,
    ResolvedModel,
)
from pippin.documents.recognition import JOB, SPEC, SWIFT, Expected, refuse_foreign
from pippin.errors import Fault, FaultyDocumentError
from pippin.jobs.hyperparameters import faults_for_any_model, resolve_hyperparameters
from pippin.models.documents import read_spec, read_swift
from pippin.models.spec import ResolvedSpec, resolve
from pippin.models.spec.explain import parse
from pippin.models.spec.presets import UnknownPresetError, preset
from pippin.models.spec.table import LAYERS
from pippin.models.trainable import Trainable, trainable_network

T = TypeVar("T", bound=BaseModel)

_REQUEST: Final = Expected(
    JOB,
    tuple(JobRequest.model_fields),
    ("model", "dataset", "hyperparameters"),
    {SPEC: "a job has it under `model`, as `spec`", SWIFT: "a job has it under `model`, as `swiftcoremltools`"},
)


@dataclass(frozen=True)
class ChosenModel:
    """The model of a job.

    Attributes:
        source: The source in the request, and the file that it resolved to.
        trainable: What training needs to know of the model.
        spec: The spec that the model is built from; empty for a model with a file.
        trained_labels: Of a job's model, the labels of the dataset that it was trained on, by the model's number.
    """

    source: ResolvedModel
    trainable: Trainable
    spec: dict[str, Any]
    trained_labels: list[str] | None = None


def described_model(source: ModelSource) -> ResolvedSpec | None:
    """The model that a source describes; None for a source that names an uploaded model or a job.

    Raises:
        FaultyDocumentError: The description has faults; pointers start at `source`.
    """
    kind, value = source.given
    if kind not in _READERS:
        return None
    try:
        return _READERS[kind](value)
    except FaultyDocumentError as error:
        raise FaultyDocumentError("the model has faults", [fault.under(f"/{kind}") for fault in error.faults]) from None


def _preset(name: str) -> ResolvedSpec:
    try:
        document = preset(name)
    except UnknownPresetError as error:
        raise FaultyDocumentError("unknown", [Fault("", str(error))]) from None
    return resolve(document)


_READERS: Final[Mapping[str, Callable[[Any], ResolvedSpec]]] = {
    "preset": _preset,
    "spec": read_spec,
    "swiftcoremltools": read_swift,
}


def built_model(source: ModelSource, resolved: ResolvedSpec) -> ChosenModel:
    """The model of a job whose request describes it."""
    return ChosenModel(_without_arrays(source), trainable_network(resolved), resolved.spec.document())


def _without_arrays(source: ModelSource) -> ResolvedModel:
    """The source for the record of the job. Explicit weights, which may be megabytes, stay in the spec only."""
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


@dataclass(frozen=True)
class Draft:
    """The checked parts of a request; None for a part with faults.

    Attributes:
        request: The whole request.
        parts: The parts of the request, before they were resolved.
        model: The model to train.
        hyperparameters: The hyperparameters, and the names of those outside the model's limits.
        engines: The engines that may train the model.
    """

    request: JobRequest | None
    parts: "Parts"
    model: ChosenModel | None
    hyperparameters: tuple[Hyperparameters, list[str]] | None
    engines: list[EngineName] | None


def check_request(
    document: object, find_model: Callable[[ModelSource], ChosenModel | None], faults: "Faults", max_epochs: int | None
) -> Draft:
    """Check and resolve all of a request except its dataset.

    Args:
        document: The request, a JSON value.
        find_model: Returns the model of a source, or None where it is not known here; raises FaultyDocumentError.
        faults: Takes every fault, with its pointer from the root of the document.
        max_epochs: The largest number of epochs of a job; None where that is not known.

    Raises:
        FaultyDocumentError: The document is of another kind.
    """
    refuse_foreign(document, _REQUEST)
    request = model = hyperparameters = engines = None
    with faults.collect(""):
        request = parse(JobRequest, document)
    parts = Parts.of(document)
    if parts.model:
        with faults.collect("/model"):
            model = find_model(parts.model)
    if parts.hyperparameters:
        with faults.collect("/hyperparameters"):
            _check_epochs(parts.hyperparameters, model, max_epochs)
        with faults.collect("/hyperparameters"):
            if model:
                hyperparameters = resolve_hyperparameters(model.trainable, parts.hyperparameters, parts.limits)
            elif wrong := faults_for_any_model(parts.hyperparameters):
                raise FaultyDocumentError("the hyperparameters have faults", wrong)
    if model and parts.engines:
        with faults.collect(""):
            engines = resolve_engines(model.trainable, parts.engines.engine, parts.engines.compute_units)
    return Draft(request, parts, model, hyperparameters, engines)


def check_offline(document: object) -> ResolvedSpec | None:
    """Check a request as far as that is possible without a service.

    Returns:
        The model that the request describes; None where it names an uploaded model or a job.

    Raises:
        FaultyDocumentError: With all faults, whose pointers start at the root of the document.
    """
    faults = Faults()
    models: list[ResolvedSpec] = []

    def find(source: ModelSource) -> ChosenModel | None:
        resolved = described_model(source)
        if resolved is None:
            return None
        models.append(resolved)
        return built_model(source, resolved)

    check_request(document, find, faults, None)
    faults.raise_any()
    return models[0] if models else None


def _check_epochs(choice: HyperparameterChoice, model: ChosenModel | None, max_epochs: int | None) -> None:
    default = model.trainable.counts.get("epochs") if model else None
    epochs = choice.epochs if choice.epochs is not None else default.default if default else 1
    if max_epochs is not None and epochs > max_epochs:
        detail = f"found {epochs}; needs at most {max_epochs} (PIPPIN_MAX_EPOCHS)"
        raise FaultyDocumentError("too many epochs", [Fault("/epochs", detail)])


@dataclass(frozen=True)
class Parts:
    """The parts of a request that can be checked further; None for a part whose faults make that impossible."""

    model: ModelSource | None
    dataset: DatasetSource | None
    dataset_is_bare: bool
    hyperparameters: HyperparameterChoice | None
    limits: Literal["enforce", "widen"]
    engines: EngineRequest | None

    @classmethod
    def of(cls, document: object) -> Self:
        """The parts of a document that can be parsed, whatever faults the other parts have."""
        raw = document if isinstance(document, dict) else {}
        dataset = raw.get("dataset")
        bare = isinstance(dataset, str)
        return cls(
            model=_parsed_part(ModelSource, raw.get("model")),
            dataset=_parsed_part(DatasetSource, {"id": dataset} if bare else dataset),
            dataset_is_bare=bare,
            hyperparameters=_parsed_part(HyperparameterChoice, raw.get("hyperparameters", {})),
            limits="widen" if raw.get("limits") == "widen" else "enforce",
            engines=_parsed_part(
                EngineRequest, {name: raw[name] for name in EngineRequest.model_fields if name in raw}
            ),
        )


def _parsed_part(kind: type[T], value: object) -> T | None:
    """`value` as a `kind`, without its fields that have faults; None where they are required."""
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        faulty = {details["loc"][0] for details in error.errors(include_url=False) if details["loc"]}
        if not isinstance(value, dict) or faulty.isdisjoint(value):
            return None
    try:
        return kind.model_validate({name: each for name, each in value.items() if name not in faulty})
    except ValidationError:
        return None


class Faults:
    """Collects the faults of the parts of a document."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    @contextmanager
    def collect(self, prefix: str) -> Iterator[None]:
        """Collect the faults that are raised in this context, below `prefix`."""
        try:
            yield
        except FaultyDocumentError as error:
            self._faults += [fault.under(prefix) for fault in error.faults]

    def lift(self, prefix: str) -> None:
        """Move the faults below `prefix` to `prefix` itself, where the client wrote a single value."""
        self._faults = [
            Fault(prefix, fault.detail) if fault.pointer.startswith(f"{prefix}/") else fault for fault in self._faults
        ]

    def raise_any(self) -> None:
        """Raise the collected faults, if there are any.

        Raises:
            FaultyDocumentError: With all collected faults.
        """
        if self._faults:
            raise FaultyDocumentError("the request has faults", self._faults)

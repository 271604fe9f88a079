"""A job's request, judged part by part, so that the faults of all its parts are told at once."""

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
        source: What was asked for, and the file that it has come to.
        trainable: What is known of it.
        spec: What it is built from; empty where there is a file.
        trained_labels: Of a job's model, the labels of the dataset that it was trained on, by the model's number.
    """

    source: ResolvedModel
    trainable: Trainable
    spec: dict[str, Any]
    trained_labels: list[str] | None = None


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


@dataclass(frozen=True)
class Draft:
    """What could be decided of a request; None where that has faults.

    Attributes:
        asked: The whole request.
        parts: Its parts.
        model: What is trained.
        chosen: The hyperparameters, and the names of those outside the model's limits.
        engines: The engines that may train it.
    """

    asked: JobRequest | None
    parts: "Parts"
    model: ChosenModel | None
    chosen: tuple[Hyperparameters, list[str]] | None
    engines: list[EngineName] | None


def judge(
    document: object, find_model: Callable[[ModelSource], ChosenModel | None], faults: "Faults", max_epochs: int | None
) -> Draft:
    """Decide all of a request but its dataset.

    Args:
        document: A JSON value.
        find_model: The model of a source, with its faults as FaultyDocumentError; None where it cannot be known here.
        faults: Takes every fault, with its pointer from the document's root.
        max_epochs: The most epochs that a job may take; None where that is not known.

    Raises:
        FaultyDocumentError: The document is of another kind altogether.
    """
    refuse_foreign(document, _REQUEST)
    asked = model = chosen = engines = None
    with faults.gathered(""):
        asked = parse(JobRequest, document)
    parts = Parts.of(document)
    if parts.model:
        with faults.gathered("/model"):
            model = find_model(parts.model)
    if parts.hyperparameters:
        with faults.gathered("/hyperparameters"):
            _check_epochs(parts.hyperparameters, model, max_epochs)
        with faults.gathered("/hyperparameters"):
            if model:
                chosen = resolve_hyperparameters(model.trainable, parts.hyperparameters, parts.limits)
            elif wrong := faults_for_any_model(parts.hyperparameters):
                raise FaultyDocumentError("the hyperparameters have faults", wrong)
    if model and parts.engines:
        with faults.gathered(""):
            engines = resolve_engines(model.trainable, parts.engines.engine, parts.engines.compute_units)
    return Draft(asked, parts, model, chosen, engines)


def check(document: object) -> ResolvedSpec | None:
    """See whether a request could be done, as far as that can be told without a service.

    Returns:
        The model that it describes; None where it names an uploaded one or a job.

    Raises:
        FaultyDocumentError: With every fault, each with a pointer from the document's root.
    """
    faults = Faults()
    found: list[ResolvedSpec] = []

    def find(source: ModelSource) -> ChosenModel | None:
        resolved = written(source)
        if resolved is None:
            return None
        found.append(resolved)
        return built(source, resolved)

    judge(document, find, faults, None)
    faults.raise_any()
    return found[0] if found else None


def _check_epochs(choice: HyperparameterChoice, model: ChosenModel | None, most: int | None) -> None:
    default = model.trainable.counts.get("epochs") if model else None
    epochs = choice.epochs if choice.epochs is not None else default.default if default else 1
    if most is not None and epochs > most:
        detail = f"found {epochs}; needs at most {most} (PIPPIN_MAX_EPOCHS)"
        raise FaultyDocumentError("too many epochs", [Fault("/epochs", detail)])


@dataclass(frozen=True)
class Parts:
    """The parts of a request that can be judged further, each None where it has faults that hide its meaning."""

    model: ModelSource | None
    dataset: DatasetSource | None
    dataset_is_bare: bool
    hyperparameters: HyperparameterChoice | None
    limits: Literal["enforce", "widen"]
    engines: EngineRequest | None

    @classmethod
    def of(cls, document: object) -> Self:
        """What can be understood of a document, whatever is wrong with the rest."""
        raw = document if isinstance(document, dict) else {}
        dataset = raw.get("dataset")
        bare = isinstance(dataset, str)
        return cls(
            model=_understood(ModelSource, raw.get("model")),
            dataset=_understood(DatasetSource, {"id": dataset} if bare else dataset),
            dataset_is_bare=bare,
            hyperparameters=_understood(HyperparameterChoice, raw.get("hyperparameters", {})),
            limits="widen" if raw.get("limits") == "widen" else "enforce",
            engines=_understood(EngineRequest, {name: raw[name] for name in EngineRequest.model_fields if name in raw}),
        )


def _understood(kind: type[T], value: object) -> T | None:
    """`value` as one of `kind`, without those of its fields that have faults; None where it means nothing without."""
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
    """Gathers what is wrong with the parts of a document, so that all of it is told at once."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    @contextmanager
    def gathered(self, prefix: str) -> Iterator[None]:
        """Note the faults of the part at `prefix`."""
        try:
            yield
        except FaultyDocumentError as error:
            self._faults += [fault.under(prefix) for fault in error.faults]

    def lift(self, prefix: str) -> None:
        """Tell the faults below `prefix` as faults of `prefix` itself, where the client wrote a single value."""
        self._faults = [
            Fault(prefix, fault.detail) if fault.pointer.startswith(f"{prefix}/") else fault for fault in self._faults
        ]

    def raise_any(self) -> None:
        """Refuse the document, if anything was noted.

        Raises:
            FaultyDocumentError: With all of it.
        """
        if self._faults:
            raise FaultyDocumentError("the request has faults", self._faults)

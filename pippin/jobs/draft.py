"""Turns the document of a job into the request to train: parse, draft, resolve. Reports all faults together."""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, Literal

from pippin.api.engines import EngineName, resolve_engines
from pippin.api.requests import (
    DatasetSource,
    EngineRequest,
    HyperparameterChoice,
    Hyperparameters,
    JobRequest,
    ModelSource,
    ResolvedDataset,
    ResolvedModel,
    ResolvedRequest,
)
from pippin.documents.partial import without_faulty_fields
from pippin.documents.recognition import JOB, SPEC, SWIFT, Expected, refuse_foreign
from pippin.errors import Fault, FaultyDocumentError
from pippin.jobs.hyperparameters import faults_for_any_model, resolve_hyperparameters
from pippin.models.documents import read_spec, read_swift
from pippin.models.spec import ResolvedSpec, resolve
from pippin.models.spec.explain import parse
from pippin.models.spec.presets import UnknownPresetError, preset
from pippin.models.spec.table import LAYERS
from pippin.models.trainable import Trainable, trainable_network

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
        trainable: The properties of the model that training needs.
        spec: The spec that the model is built from; empty for a model with a file.
        trained_labels: For a model from a job, the labels of its training dataset, by class number of the model.
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
    kind, value = source.kind_and_value
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
    """The source for the record of the job, without explicit weights: they may be megabytes, and are in the spec."""
    spec, swift = source.spec, source.swiftcoremltools
    if spec is not None:
        spec = spec | {"layers": [_without_fields(layer, _arrays_of(layer)) for layer in spec["layers"]]}
    if swift is not None:
        network = swift["neuralNetwork"]
        layers = [layer | {"base": _without_fields(layer["base"], _SWIFT_ARRAYS)} for layer in network["layers"]]
        swift = swift | {"neuralNetwork": network | {"layers": layers}}
    return ResolvedModel(**dict(source) | {"spec": spec, "swiftcoremltools": swift})


def _arrays_of(layer: Mapping[str, Any]) -> Collection[str]:
    """The fields of a layer of a valid spec that hold arrays. `alpha` is an array in prelu, a number in leaky_relu."""
    return LAYERS[layer["type"]].array_fields


def has_weights(spec: Mapping[str, Any]) -> bool:
    """Whether a resolved spec holds explicit weights."""
    return any(layer.get(name) is not None for layer in spec.get("layers", ()) for name in _arrays_of(layer))


_SWIFT_ARRAYS = frozenset({"weight", "bias"})


def _without_fields(layer: dict[str, Any], arrays: Collection[str]) -> dict[str, Any]:
    return {name: value for name, value in layer.items() if name not in arrays}


@dataclass(frozen=True)
class ParsedRequest:
    """The readable parts of a document. A part is None when its faults leave nothing that can be checked further.

    Attributes:
        request: The whole request; None when any part has a fault.
        model: The model of the request.
        dataset: The dataset of the request.
        is_dataset_name: Whether the document has the name of a dataset instead of an object.
        hyperparameters: The hyperparameters without faults.
        limits: Whether hyperparameters may be outside the limits of the model.
        engines: The choice of engines.
    """

    request: JobRequest | None
    model: ModelSource | None
    dataset: DatasetSource | None
    is_dataset_name: bool
    hyperparameters: HyperparameterChoice | None
    limits: Literal["enforce", "widen"]
    engines: EngineRequest | None


def parse_request(document: object, faults: "Faults") -> ParsedRequest:
    """Read a document as a request, or as many parts of it as possible.

    Args:
        document: A JSON value.
        faults: Collects the faults.

    Raises:
        FaultyDocumentError: The document is of another kind, such as a spec.
    """
    refuse_foreign(document, _REQUEST)
    request = None
    with faults.collect(""):
        request = parse(JobRequest, document)
    raw = document if isinstance(document, dict) else {}
    dataset = raw.get("dataset")
    is_name = isinstance(dataset, str)
    engines = {name: raw[name] for name in EngineRequest.model_fields if name in raw}
    return ParsedRequest(
        request=request,
        model=request.model if request else without_faulty_fields(raw.get("model"), ModelSource),
        dataset=without_faulty_fields({"id": dataset} if is_name else dataset, DatasetSource),
        is_dataset_name=is_name,
        hyperparameters=request.hyperparameters
        if request
        else without_faulty_fields(raw.get("hyperparameters", {}), HyperparameterChoice),
        limits="widen" if raw.get("limits") == "widen" else "enforce",
        engines=without_faulty_fields(engines, EngineRequest),
    )


@dataclass(frozen=True)
class Submission:
    """A job that can be trained.

    Attributes:
        request: The request, with every choice resolved.
        spec: The resolved spec that the model is built from; empty for a model that is a file, and when a blob holds
            the spec.
    """

    request: ResolvedRequest
    spec: dict[str, Any]


@dataclass(frozen=True)
class Draft:
    """A request that is resolved except for the dataset. A part is None when it has faults.

    Attributes:
        parsed: The request as read.
        faults: All faults so far. The faults of the dataset are added to them.
        model: The model.
        hyperparameters: The hyperparameters.
        widened: The names of the hyperparameters that are outside the limits of the model.
        engines: The engines that may train the model.
    """

    parsed: ParsedRequest
    faults: "Faults"
    model: ChosenModel | None
    hyperparameters: Hyperparameters | None
    widened: list[str]
    engines: list[EngineName] | None

    def resolve(self, dataset: ResolvedDataset | None) -> Submission:
        """The job, with its dataset; None stands for a dataset with faults.

        Raises:
            FaultyDocumentError: With every fault, each with a pointer from the document's root.
        """
        self.faults.raise_any()
        request, model, hyperparameters, engines = self.parsed.request, self.model, self.hyperparameters, self.engines
        if not (request and model and hyperparameters and engines and dataset):
            raise FaultyDocumentError(
                "the request is incomplete", [Fault("", "a part of the request could not be resolved")]
            )
        unchanged = {name: getattr(request, name) for name in _UNCHANGED}
        resolved = ResolvedRequest(
            model=model.source,
            hyperparameters=hyperparameters,
            dataset=dataset,
            widened=self.widened,
            engines=engines,
            **unchanged,
        )
        return Submission(resolved, model.spec)


_UNCHANGED = (
    "name",
    "limits",
    "engine",
    "compute_units",
    "report",
    "checkpoint",
    "max_attempts",
    "timeout_seconds",
    "labels",
)


def draft_request(
    document: object, find_model: Callable[[ModelSource], ChosenModel | None], max_epochs: int | None
) -> Draft:
    """Resolve a request except for the dataset.

    Args:
        document: A JSON value.
        find_model: Returns the model of a source, or None when the model cannot be looked up; raises
            FaultyDocumentError.
        max_epochs: The limit on the epochs of a job; None when it is unknown.

    Raises:
        FaultyDocumentError: The document is of another kind, such as a spec.
    """
    faults = Faults()
    parsed = parse_request(document, faults)
    model = hyperparameters = engines = None
    widened: list[str] = []
    if parsed.model:
        with faults.collect("/model"):
            model = find_model(parsed.model)
    if parsed.hyperparameters:
        with faults.collect("/hyperparameters"):
            _check_epochs(parsed.hyperparameters, model, max_epochs)
        with faults.collect("/hyperparameters"):
            if model:
                hyperparameters, widened = resolve_hyperparameters(
                    model.trainable, parsed.hyperparameters, parsed.limits
                )
            elif wrong := faults_for_any_model(parsed.hyperparameters):
                raise FaultyDocumentError("the hyperparameters have faults", wrong)
    if model and parsed.engines:
        with faults.collect(""):
            engines = resolve_engines(model.trainable, parsed.engines.engine, parsed.engines.compute_units)
    return Draft(parsed, faults, model, hyperparameters, widened, engines)


def check_offline(document: object) -> ResolvedSpec | None:
    """Check a request as far as possible without a service.

    Returns:
        The model that the request describes; None when it names an uploaded model or a job.

    Raises:
        FaultyDocumentError: With every fault, each with a pointer from the document's root.
    """
    models: list[ResolvedSpec] = []

    def find(source: ModelSource) -> ChosenModel | None:
        resolved = described_model(source)
        if resolved is None:
            return None
        models.append(resolved)
        return built_model(source, resolved)

    draft_request(document, find, None).faults.raise_any()
    return models[0] if models else None


def _check_epochs(choice: HyperparameterChoice, model: ChosenModel | None, max_epochs: int | None) -> None:
    default = model.trainable.counts.get("epochs") if model else None
    epochs = choice.epochs if choice.epochs is not None else default.default if default else 1
    if max_epochs is not None and epochs > max_epochs:
        detail = f"found {epochs}; needs at most {max_epochs} (PIPPIN_MAX_EPOCHS)"
        raise FaultyDocumentError("too many epochs", [Fault("/epochs", detail)])


class Faults:
    """Collects the faults of the parts of a document, so that all faults are reported together."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    @contextmanager
    def collect(self, prefix: str) -> Iterator[None]:
        """Collect the faults that the `with` block raises, as faults of the part at `prefix`."""
        try:
            yield
        except FaultyDocumentError as error:
            self._faults += [fault.under(prefix) for fault in error.faults]

    def collapse_below(self, prefix: str) -> None:
        """Move the faults below `prefix` to `prefix` itself, where the document has a single value."""
        self._faults = [
            Fault(prefix, fault.detail) if fault.pointer.startswith(f"{prefix}/") else fault for fault in self._faults
        ]

    def raise_any(self) -> None:
        """Raise the faults, if there are any.

        Raises:
            FaultyDocumentError: With all of them.
        """
        if self._faults:
            raise FaultyDocumentError("the request has faults", self._faults)

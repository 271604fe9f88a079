"""From what a client asks for to a job that can be trained: every choice made, or every fault told."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, Self, TypeVar

from pydantic import BaseModel, ValidationError

from pippin.datasets.binding import bind
from pippin.datasets.manifest import StoredManifest
from pippin.faults import Fault, FaultyDocumentError
from pippin.jobs.hyperparameters import resolve_hyperparameters
from pippin.jobs.request import DatasetSource, HyperparameterChoice, JobRequest, ModelSource, ResolvedRequest
from pippin.spec import ResolvedSpec, resolve
from pippin.spec.presets import UnknownPresetError, preset
from pippin.store import Store
from service.validation import parse

T = TypeVar("T", bound=BaseModel)


@dataclass(frozen=True)
class Submission:
    """A job that can be trained.

    Attributes:
        request: What is asked, every choice made.
        spec: The spec that its model is built from, everything inferred.
    """

    request: ResolvedRequest
    spec: dict[str, Any]


def prepare(document: object, tenant: str, store: Store) -> Submission:
    """Resolve the model, the hyperparameters and the dataset of a request.

    Args:
        document: The body of `POST /jobs`.
        tenant: Who asks.
        store: Where the datasets are known.

    Raises:
        FaultyDocumentError: With every fault that could be found, each with a pointer from the document's root.
    """
    faults = _Faults()
    asked = model = manifest = chosen = dataset = None
    with faults.gathered(""):
        asked = parse(JobRequest, document)
    parts = _Parts.of(document)
    if parts.model:
        with faults.gathered("/model"):
            model = _resolve_model(parts.model)
    if parts.dataset:
        with faults.gathered("/dataset"):
            manifest = _find_dataset(parts.dataset.id, tenant, store)
    if model and parts.hyperparameters:
        with faults.gathered("/hyperparameters"):
            chosen = resolve_hyperparameters(model.spec, parts.hyperparameters, parts.limits)
    if model and manifest and parts.dataset:
        with faults.gathered("/dataset"):
            dataset = bind(manifest, model, parts.dataset)
    if parts.dataset_is_bare:
        faults.lift("/dataset")
    faults.raise_any()
    assert asked
    assert chosen
    assert dataset
    hyperparameters, spec, widened = chosen
    as_asked = {name: getattr(asked, name) for name in _TAKEN_AS_ASKED}
    request = ResolvedRequest(
        model=_without_weights(asked.model),
        hyperparameters=hyperparameters,
        dataset=dataset,
        widened=widened,
        **as_asked,
    )
    return Submission(request, spec.document())


_TAKEN_AS_ASKED = (
    "name",
    "limits",
    "engine",
    "compute_units",
    "report",
    "max_attempts",
    "timeout_seconds",
    "labels",
)


def _resolve_model(source: ModelSource) -> ResolvedSpec:
    faults = _Faults()
    model = None
    if source.preset is not None:
        with faults.gathered("/preset"):
            model = resolve(_preset(source.preset))
    else:
        with faults.gathered("/spec"):
            model = resolve(source.spec)
    faults.raise_any()
    assert model is not None
    return model


def _preset(name: str) -> dict[str, Any]:
    try:
        return preset(name)
    except UnknownPresetError as error:
        raise FaultyDocumentError("the preset is not known", [Fault("", str(error))]) from None


def _without_weights(source: ModelSource) -> ModelSource:
    """The source as the job's record shows it: explicit weights, which may be megabytes, are in the spec alone."""
    if source.spec is None:
        return source
    layers = [
        {name: value for name, value in layer.items() if name not in {"weights", "bias"}}
        for layer in source.spec["layers"]
    ]
    return source.model_copy(update={"spec": source.spec | {"layers": layers}})


def _find_dataset(id_or_name: str, tenant: str, store: Store) -> StoredManifest:
    manifest = store.datasets.get(tenant, id_or_name)
    if manifest is None:
        names = [known.name or known.id for known in store.datasets.page(tenant, limit=_SHOWN).items]
        there = f"the newest are {', '.join(names)}" if names else "none has been added yet"
        raise FaultyDocumentError("unknown", [Fault("/id", f"no dataset is called {id_or_name!r}; {there}")])
    return manifest


_SHOWN = 10


@dataclass(frozen=True)
class _Parts:
    """The parts of a request that can be checked further, each None where it has faults of its own."""

    model: ModelSource | None
    dataset: DatasetSource | None
    dataset_is_bare: bool
    hyperparameters: HyperparameterChoice | None
    limits: Literal["enforce", "widen"]

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
        )


def _understood(kind: type[T], value: object) -> T | None:
    try:
        return kind.model_validate(value)
    except ValidationError:
        return None


class _Faults:
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

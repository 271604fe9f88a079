"""Where a job's model comes from, and what is known of it: a preset, a spec, an upload, another job."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pippin.faults import Fault, FaultyDocumentError
from pippin.jobs.ids import is_id
from pippin.jobs.request import ModelSource, ResolvedModel
from pippin.jobs.states import Status
from pippin.models.record import StoredModel
from pippin.models.trainable import Trainable, trainable_network
from pippin.spec import ResolvedSpec, resolve
from pippin.spec.explain import shown
from pippin.spec.presets import UnknownPresetError, preset
from pippin.spec.table import LAYERS
from pippin.store import Store
from pippin.swiftcoremltools import from_swift
from service.jobs.class_names import taught_names


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


class ModelSources:
    """Finds the models of a tenant.

    Args:
        tenant: Whose.
        store: Where uploads and jobs are known.
        inspect: Tells what the file with a digest holds, for a job's trained model.
    """

    def __init__(self, tenant: str, store: Store, inspect: Callable[[str], Trainable]) -> None:
        self._tenant = tenant
        self._store = store
        self._inspect = inspect

    def find(self, source: ModelSource) -> ChosenModel:
        """The model that `source` names.

        Raises:
            FaultyDocumentError: There is none, or it has faults; pointers start at `source`.
        """
        finders: dict[str, Callable[[ModelSource, Any], ChosenModel]] = {
            "preset": self._preset,
            "spec": self._spec,
            "swiftcoremltools": self._swiftcoremltools,
            "id": self._id,
            "job": self._job,
        }
        kind, given = next((name, value) for name, value in source if value is not None)
        try:
            return finders[kind](source, given)
        except FaultyDocumentError as error:
            raise FaultyDocumentError("the model has faults", [f.under(f"/{kind}") for f in error.faults]) from None

    def _preset(self, source: ModelSource, name: str) -> ChosenModel:
        try:
            document = preset(name)
        except UnknownPresetError as error:
            raise _fault(str(error)) from None
        return _built(source, resolve(document))

    def _spec(self, source: ModelSource, document: Mapping[str, Any]) -> ChosenModel:
        return _built(source, resolve(document))

    def _swiftcoremltools(self, source: ModelSource, document: Mapping[str, Any]) -> ChosenModel:
        translation = from_swift(document)
        try:
            return _built(source, resolve(translation.spec))
        except FaultyDocumentError as error:
            faults = [Fault(translation.original(fault.pointer), fault.detail, fault.rule) for fault in error.faults]
            raise FaultyDocumentError("the document has faults", faults) from None

    def _id(self, source: ModelSource, id_or_name: str) -> ChosenModel:
        found = self._store.models.get(self._tenant, id_or_name)
        if found is None:
            raise _fault(f"no model is called {shown(id_or_name)}; {self._known()}")
        return _of_file(source, found.digest, found.name, found.trainable)

    def _job(self, source: ModelSource, job_id: str) -> ChosenModel:
        job = self._store.jobs.get(self._tenant, job_id) if is_id(job_id, "job") else None
        if job is None:
            raise _fault(f"there is no job {shown(job_id)}")
        trained = next((artifact for artifact in job.artifacts if artifact.variant == "trained"), None)
        if trained is None:
            what = "has made no model" if job.status.is_final else "has not made its model yet"
            raise _fault(f"the job is {job.status} and {what}; needs one that has {Status.SUCCEEDED}")
        name = job.name or job.request.model.name or job.request.model.preset
        chosen = _of_file(source, trained.digest, name, self._inspect(trained.digest))
        return replace(chosen, taught=taught_names(job, self._tenant, self._store))

    def _known(self) -> str:
        newest: tuple[StoredModel, ...] = self._store.models.page(self._tenant, limit=_SHOWN).items
        names = [known.name or known.id for known in newest]
        return f"the newest are {', '.join(names)}" if names else "none has been uploaded yet"


_SHOWN = 10


def _built(source: ModelSource, resolved: ResolvedSpec) -> ChosenModel:
    return ChosenModel(_without_arrays(source), trainable_network(resolved), resolved.spec.document())


def _of_file(source: ModelSource, digest: str, name: str | None, trainable: Trainable) -> ChosenModel:
    return ChosenModel(ResolvedModel(**dict(source), digest=digest, name=name), trainable, {})


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


def _fault(detail: str) -> FaultyDocumentError:
    return FaultyDocumentError("unknown", [Fault("", detail)])

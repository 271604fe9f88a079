"""Where a job's model comes from, and what is known of it: a preset, a spec, an upload, another job."""

from collections.abc import Callable
from dataclasses import replace

from pippin.api.requests import ModelSource, ResolvedModel
from pippin.api.states import Status
from pippin.errors import Fault, FaultyDocumentError
from pippin.jobs.draft import ChosenModel, built, written
from pippin.models.record import StoredModel
from pippin.models.spec.explain import shown
from pippin.models.trainable import Trainable
from pippin.store import AmbiguousName, NoSuchJob, Store
from service.jobs.class_names import trained_labels


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
        if (resolved := written(source)) is not None:
            return built(source, resolved)
        kind, given = source.given
        try:
            return self._id(source, given) if kind == "id" else self._job(source, given)
        except FaultyDocumentError as error:
            raise FaultyDocumentError("the model has faults", [f.under(f"/{kind}") for f in error.faults]) from None

    def _id(self, source: ModelSource, id_or_name: str) -> ChosenModel:
        try:
            found = self._store.models.get(self._tenant, id_or_name)
        except AmbiguousName as error:
            raise _fault(str(error)) from error
        if found is None:
            raise _fault(f"no model is called {shown(id_or_name)}; {self._known()}")
        return _of_file(source.model_copy(update={"id": found.id}), found.digest, found.name, found.trainable)

    def _job(self, source: ModelSource, id_or_name: str) -> ChosenModel:
        try:
            job = self._store.jobs.get(self._tenant, self._store.jobs.id_of(self._tenant, id_or_name))
        except (NoSuchJob, AmbiguousName) as error:
            raise _fault(str(error)) from error
        if job is None:
            raise _fault(f"there is no job {shown(id_or_name)}")
        trained = next((artifact for artifact in job.artifacts if artifact.variant == "trained"), None)
        if trained is None:
            what = "has made no model" if job.status.is_final else "has not made its model yet"
            raise _fault(f"the job is {job.status} and {what}; needs one that has {Status.SUCCEEDED}")
        name = job.name or job.request.model.name or job.request.model.preset
        found = source.model_copy(update={"job": job.id})
        chosen = _of_file(found, trained.digest, name, self._inspect(trained.digest))
        return replace(chosen, trained_labels=trained_labels(job, self._tenant, self._store))

    def _known(self) -> str:
        newest: tuple[StoredModel, ...] = self._store.models.page(self._tenant, limit=_SHOWN).items
        names = [known.name or known.id for known in newest]
        return f"the newest are {', '.join(names)}" if names else "none has been uploaded yet"


_SHOWN = 10


def _of_file(source: ModelSource, digest: str, name: str | None, trainable: Trainable) -> ChosenModel:
    return ChosenModel(ResolvedModel(**dict(source), digest=digest, name=name), trainable, {})


def _fault(detail: str) -> FaultyDocumentError:
    return FaultyDocumentError("unknown", [Fault("", detail)])

"""Resolves the request of a client to a job that can be trained, or collects every fault of the request."""

from collections.abc import Callable
from dataclasses import replace

from pippin.api.datasets import StoredManifest
from pippin.api.requests import ModelSource, ResolvedDataset, ResolvedModel
from pippin.api.states import Status
from pippin.blobs import Blobs
from pippin.datasets.binding import bind
from pippin.documents import strict_json
from pippin.errors import Fault, FaultyDocumentError
from pippin.jobs.draft import (
    ChosenModel,
    Draft,
    Submission,
    built_model,
    described_model,
    draft_request,
    has_weights,
)
from pippin.models.record import StoredModel
from pippin.models.spec.explain import shown
from pippin.models.trainable import Trainable
from pippin.store import AmbiguousName, NoSuchJob, Store
from service.jobs.training_history import trained_labels

# A spec of mnist-cnn's size takes 2 KB. A larger spec, or one with explicit weights, is stored as a blob: 52 jobs with
# 16 MB of weights, each cancelled, filled Redis with 835 MB.
_INLINE_SPEC_BYTES = 16 * 1024


class ModelSources:
    """Finds the models of a tenant.

    Args:
        tenant: The tenant.
        store: Holds the records of uploaded models and jobs.
        inspect: Returns the trainable parts of the model file with a digest; used for trained models of jobs.
    """

    def __init__(self, tenant: str, store: Store, inspect: Callable[[str], Trainable]) -> None:
        self._tenant = tenant
        self._store = store
        self._inspect = inspect

    def find(self, source: ModelSource) -> ChosenModel:
        """The model that `source` names.

        Raises:
            FaultyDocumentError: There is no such model, or it has faults; pointers start at `source`.
        """
        if (resolved := described_model(source)) is not None:
            return built_model(source, resolved)
        kind, value = source.kind_and_value
        try:
            return self._id(source, value) if kind == "id" else self._job(source, value)
        except FaultyDocumentError as error:
            raise FaultyDocumentError("the model has faults", [f.under(f"/{kind}") for f in error.faults]) from None

    def _id(self, source: ModelSource, id_or_name: str) -> ChosenModel:
        try:
            record = self._store.models.get(self._tenant, id_or_name)
        except AmbiguousName as error:
            raise _fault(str(error)) from error
        if record is None:
            raise _fault(f"there is no model {shown(id_or_name)}; {self._newest()}")
        return _of_file(source.model_copy(update={"id": record.id}), record.digest, record.name, record.trainable)

    def _job(self, source: ModelSource, id_or_name: str) -> ChosenModel:
        try:
            job = self._store.jobs.get(self._tenant, self._store.jobs.id_of(self._tenant, id_or_name))
        except (NoSuchJob, AmbiguousName) as error:
            raise _fault(str(error)) from error
        if job is None:
            raise _fault(f"there is no job {shown(id_or_name)}")
        trained = next((artifact for artifact in job.artifacts if artifact.variant == "trained"), None)
        if trained is None:
            what = "has no model" if job.status.is_final else "has no model yet"
            raise _fault(f"the job is {job.status} and {what}; needs a job that has {Status.SUCCEEDED}")
        name = job.name or job.request.model.name or job.request.model.preset
        resolved = source.model_copy(update={"job": job.id})
        chosen = _of_file(resolved, trained.digest, name, self._inspect(trained.digest))
        return replace(chosen, trained_labels=trained_labels(job, self._tenant, self._store))

    def _newest(self) -> str:
        newest: tuple[StoredModel, ...] = self._store.models.page(self._tenant, limit=_SHOWN).items
        names = [each.name or each.id for each in newest]
        return f"the newest are {', '.join(names)}" if names else "no model has been uploaded yet"


def _of_file(source: ModelSource, digest: str, name: str | None, trainable: Trainable) -> ChosenModel:
    return ChosenModel(ResolvedModel(**dict(source), digest=digest, name=name), trainable, {})


def _fault(detail: str) -> FaultyDocumentError:
    return FaultyDocumentError("unknown", [Fault("", detail)])


def prepare_submission(
    document: object, tenant: str, store: Store, models: ModelSources, *, max_training_bytes: int, max_epochs: int
) -> Submission:
    """Resolve the model, the hyperparameters and the dataset of a request.

    Args:
        document: The body of `POST /jobs`.
        tenant: The tenant of the request.
        store: Holds the datasets.
        models: Finds the models.
        max_training_bytes: The limit on the memory of the training, as estimated from shapes.
        max_epochs: The limit on the epochs, each of which is recorded.

    Raises:
        FaultyDocumentError: With every fault, each with a pointer from the document's root.
    """
    draft = draft_request(document, models.find, max_epochs)
    return draft.resolve(_resolve_dataset(draft, tenant, store, max_training_bytes))


def _resolve_dataset(draft: Draft, tenant: str, store: Store, max_training_bytes: int) -> ResolvedDataset | None:
    """The dataset of a draft, bound to its model; None when one of them has faults, which are added to the draft."""
    source, model, faults = draft.parsed.dataset, draft.model, draft.faults
    manifest = dataset = None
    if source:
        with faults.collect("/dataset"):
            manifest = _find_dataset(source.id, tenant, store)
    if source and model and manifest:
        with faults.collect("/dataset"):
            dataset = bind(manifest, model.trainable, source, model.trained_labels)
    if model and manifest and dataset:
        with faults.collect(""):
            _check_memory(model.trainable, _batch_size(draft, model), _examples(manifest, dataset), max_training_bytes)
    if draft.parsed.is_dataset_name:
        faults.collapse_below("/dataset")
    return dataset


def store_large_spec(submission: Submission, blobs: Blobs) -> Submission:
    """The same submission, with its spec in a blob if the spec is large or has explicit weights.

    Raises:
        BlobError: The blob could not be stored.
    """
    # Encoded in parts: 28 MB of numbers at once would block every other thread for a second.
    data = "".join(strict_json.dumped(submission.spec)).encode()
    if len(data) <= _INLINE_SPEC_BYTES and not has_weights(submission.spec):
        return submission
    request = submission.request
    model = request.model.model_copy(update={"spec_digest": blobs.put_bytes(data)})
    return replace(submission, request=request.model_copy(update={"model": model}), spec={})


def _find_dataset(id_or_name: str, tenant: str, store: Store) -> StoredManifest:
    try:
        manifest = store.datasets.get(tenant, id_or_name)
    except AmbiguousName as error:
        raise FaultyDocumentError("ambiguous", [Fault("/id", str(error))]) from error
    if manifest is None:
        names = [each.name or each.id for each in store.datasets.page(tenant, limit=_SHOWN).items]
        there = f"the newest are {', '.join(names)}" if names else "no dataset has been added yet"
        raise FaultyDocumentError("unknown", [Fault("/id", f"there is no dataset {id_or_name!r}; {there}")])
    return manifest


_SHOWN = 10


def _examples(manifest: StoredManifest, dataset: ResolvedDataset) -> int:
    """The number of training examples."""
    return next(split.examples for split in manifest.splits if split.name == dataset.train)


def _batch_size(draft: Draft, model: ChosenModel) -> int | None:
    """The size of a mini-batch, even when another hyperparameter has a fault; None for a model without mini-batches."""
    declared = model.trainable.counts.get("mini_batch_size")
    if declared is None:
        return None
    requested = draft.parsed.hyperparameters.mini_batch_size if draft.parsed.hyperparameters else None
    return requested if requested is not None and requested > 0 else declared.default


def _check_memory(model: Trainable, batch_size: int | None, examples: int, max_bytes: int) -> None:
    if batch_size is None:
        return
    # A mini-batch is no larger than the dataset.
    if excess := model.memory.excess(min(batch_size, examples), max_bytes):
        place = "/hyperparameters/mini_batch_size" if model.memory.largest_batch(max_bytes) else "/model"
        raise FaultyDocumentError("the training takes too much memory", [Fault(place, excess)])

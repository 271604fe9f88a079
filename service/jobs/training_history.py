"""The training data of a model, from its own job and from the jobs whose models it continues."""

from collections.abc import Iterator
from dataclasses import dataclass

from pippin.api.jobs import Job
from pippin.datasets.examples import TrainingRows
from pippin.store import Store, UnreadableRecord

# Each job costs the reading of a record. A longer chain counts as incomplete.
_MAX_JOBS = 100


@dataclass(frozen=True)
class TrainingHistory:
    """The trainings of a model.

    Attributes:
        trainings: (digest of a dataset's arrays, split) -> the rows of the split that each training used.
        is_complete: Whether the record of every job exists: some may be deleted.
    """

    trainings: dict[tuple[str, str], set[TrainingRows]]
    is_complete: bool

    @classmethod
    def of(cls, job: Job, tenant: str, store: Store) -> "TrainingHistory":
        """The history of a job's model, back to a model that was not made by a job of this service."""
        trainings: dict[tuple[str, str], set[TrainingRows]] = {}
        last = job
        for each in continued_jobs(job, tenant, store):
            dataset = each.request.dataset
            trainings.setdefault((dataset.digest, dataset.train), set()).add(TrainingRows.of(each.request))
            last = each
        return cls(trainings, is_complete=last.request.model.job is None)

    def has_dataset(self, digest: str) -> bool:
        """Whether any training used rows of a dataset."""
        return any(each == digest for each, _ in self.trainings)

    def of_split(self, digest: str, split: str) -> set[TrainingRows]:
        """The rows of a split that each training used."""
        return self.trainings.get((digest, split), set())


def continued_jobs(job: Job, tenant: str, store: Store) -> Iterator[Job]:
    """The job, the job whose model it continues, and so on, as far as records exist; at most 100."""
    current: Job | None = job
    for _ in range(_MAX_JOBS):
        if current is None:
            return
        yield current
        origin = current.request.model.job
        if origin is None:
            return
        try:
            current = store.jobs.get(tenant, origin)
        except UnreadableRecord:
            return


def trained_labels(job: Job, tenant: str, store: Store) -> list[str] | None:
    """The names of the classes by the model's class numbers; None without names, or when the dataset no longer exists.

    A job whose dataset was matched to the class names of the job that it continues keeps the class numbers of that job.
    """
    first = job
    for first in continued_jobs(job, tenant, store):
        if first.request.dataset.classes is None:
            break
    return _names_in(first, tenant, store)


def _names_in(job: Job, tenant: str, store: Store) -> list[str] | None:
    own = job.request.dataset
    manifest = store.datasets.get(tenant, own.id)
    # A binding lists the target last.
    names = None if manifest is None else manifest.labels_of([*own.bind.values()][-1])
    if names is None or own.classes is None:
        return names
    by_number = {number: names[of_dataset] for of_dataset, number in own.classes}
    # A class without an example in the dataset has no known name.
    return [by_number[number] for number in range(len(by_number))] if max(by_number) < len(by_number) else None

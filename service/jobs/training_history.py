"""What a trained model has learned from: its own job and the jobs whose models it continues."""

from collections.abc import Iterator
from dataclasses import dataclass

from pippin.api.jobs import Job
from pippin.datasets.examples import TrainingRows
from pippin.store import Store, UnreadableRecord

# A record is read for each. A longer chain counts as one of which the beginning is not known.
_MAX_JOBS = 100


@dataclass(frozen=True)
class TrainingHistory:
    """The trainings of a model.

    Attributes:
        trainings: Digest of a dataset's arrays, split -> which of its rows each training took.
        is_complete: Whether every job is known: one may be deleted.
    """

    trainings: dict[tuple[str, str], set[TrainingRows]]
    is_complete: bool

    @classmethod
    def of(cls, job: Job, tenant: str, store: Store) -> "TrainingHistory":
        """The history of a job's model, back to a model that no job of this service has made."""
        trainings: dict[tuple[str, str], set[TrainingRows]] = {}
        last = job
        for each in continued_jobs(job, tenant, store):
            dataset = each.request.dataset
            trainings.setdefault((dataset.digest, dataset.train), set()).add(TrainingRows.of(each.request))
            last = each
        return cls(trainings, is_complete=last.request.model.job is None)

    def has_dataset(self, digest: str) -> bool:
        """Whether any training took rows of a dataset."""
        return any(known == digest for known, _ in self.trainings)

    def of_split(self, digest: str, split: str) -> set[TrainingRows]:
        """Which rows of a split the trainings took."""
        return self.trainings.get((digest, split), set())


def continued_jobs(job: Job, tenant: str, store: Store) -> Iterator[Job]:
    """The job, the one whose model it continues, and so on, as far as they are known; 100 at most."""
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
    """The classes' names by the model's number; None without names, or where a dataset is not there any more.

    A job whose dataset was matched with the names of the job that it trains further keeps the numbers of that one.
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
    # Of classes without an example in the dataset no name is known.
    return [by_number[number] for number in range(len(by_number))] if max(by_number) < len(by_number) else None

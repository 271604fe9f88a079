"""What a job's dataset calls the classes that its model knows by number alone."""

from pippin.api.jobs import Job
from pippin.store import Store
from service.jobs.training_history import continued_jobs


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

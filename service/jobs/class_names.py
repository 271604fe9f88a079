"""What a job's dataset calls the classes that its model knows by number alone."""

from pippin.jobs.job import Job
from pippin.store import Store

_MAX_JOBS = 32
"""How many trainings of one model, each on top of the one before, are looked at."""


def taught_names(job: Job, tenant: str, store: Store) -> list[str] | None:
    """The classes' names by the model's number; None without names, or where a dataset is not there any more.

    A job whose dataset was matched with the names of the job that it trains further keeps the numbers of that one.
    """
    for _ in range(_MAX_JOBS):
        source = job.request.model.job
        if job.request.dataset.classes is None or source is None:
            break
        before = store.jobs.get(tenant, source)
        if before is None:
            break
        job = before
    return _names_in(job, tenant, store)


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

"""Searches the listed jobs for words."""

from collections.abc import Callable, Iterator, Sequence

from pippin.api.jobs import Job
from pippin.store.listing import Page

MAX_READS = 10
"""The number of pages of the list that one request reads, each of a bounded size."""


def search(read: Callable[[str | None], Page[Job]], words: Sequence[str], after: str | None, limit: int) -> Page[Job]:
    """The newest jobs that contain every word, from the first page of the list that has any.

    A page may have fewer jobs than `limit`, or none, and yet have a `next`: then the search continues there.

    Args:
        read: Reads the page of the list after an id.
        words: In lower case.
        after: Only jobs older than this id.
        limit: Maximum number of jobs, 1 or more.
    """
    matches: list[Job] = []
    cursor = after
    for _ in range(MAX_READS):
        page = read(cursor)
        cursor = page.next
        matches = [job for job in page.items if contains(job, words)]
        if len(matches) > limit:
            return Page(tuple(matches[:limit]), matches[limit - 1].id)
        if matches or cursor is None:
            break
    return Page(tuple(matches), cursor)


def contains(job: Job, words: Sequence[str]) -> bool:
    """Whether every word, in lower case, is in a text that the list of jobs shows."""
    text = "\n".join(_texts(job)).lower()
    return all(word in text for word in words)


def _texts(job: Job) -> Iterator[str]:
    model, dataset = job.request.model, job.request.dataset
    yield from (job.id, str(job.status), f"from {model.job}" if model.job else "")
    yield from filter(None, (job.name, job.engine, model.preset, model.name, model.id, dataset.name, dataset.id))
    yield from (f"{key}={value}" for key, value in job.labels.items())
    if job.attempts:
        yield job.attempts[-1].worker
    if job.reason:
        yield str(job.reason.code)

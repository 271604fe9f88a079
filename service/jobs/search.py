"""Searches the listed jobs for words."""

from collections.abc import Callable, Iterator, Sequence

from pippin.api.jobs import Job
from pippin.store.listing import Page

MAX_SCANNED = 1000
"""The number of jobs that one request looks at."""


def search(read: Callable[[str | None], Page[Job]], words: Sequence[str], after: str | None, limit: int) -> Page[Job]:
    """The newest jobs that contain every word.

    A page may have fewer jobs than `limit`, or none, and yet have a `next`: then the search continues there.

    Args:
        read: Reads the page of jobs after an id.
        words: In lower case.
        after: Only jobs older than this id.
        limit: Maximum number of jobs, 1 or more.
    """
    matches: list[Job] = []
    cursor, scanned = after, 0
    while True:
        page = read(cursor)
        for place, job in enumerate(page.items):
            if not contains(job, words):
                continue
            matches.append(job)
            is_last = place == len(page.items) - 1 and page.next is None
            if len(matches) == limit and not is_last:
                return Page(tuple(matches), job.id)
        cursor = page.next
        scanned += len(page.items) + len(page.unreadable)
        if cursor is None or scanned >= MAX_SCANNED:
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

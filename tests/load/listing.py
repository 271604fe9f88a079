"""A thousand jobs submitted at once, then listed page by page."""

import asyncio
import time
from dataclasses import dataclass

import httpx2

_BODY = {"model": {"preset": "mnist-cnn"}, "dataset": "mnist-sample", "hyperparameters": {"epochs": 1}}
PAGE = 20


@dataclass(frozen=True)
class Figures:
    """The measurements.

    Attributes:
        submitted: Seconds that each POST took.
        total: Seconds from the first POST to the last answer.
        pages: Seconds that each page took.
        missing: Jobs that were submitted and not listed, or listed twice.
        in_order: Whether the newest came first throughout.
    """

    submitted: list[float]
    total: float
    pages: list[float]
    missing: int
    in_order: bool


async def measure(url: str, jobs: int, *, at_once: int) -> Figures:
    """Submit `jobs` jobs, `at_once` concurrently, then read every page of the listing.

    The service must already have stored its packaged dataset, which it does after its start.
    """
    limits = httpx2.Limits(max_connections=at_once)
    async with httpx2.AsyncClient(base_url=url, timeout=60, limits=limits) as http:
        waiting = iter(range(jobs))
        submitted: dict[str, float] = {}

        async def submit() -> None:
            for _ in waiting:
                began = time.monotonic()
                answer = await http.post("/jobs", json=_BODY)
                submitted[answer.raise_for_status().json()["id"]] = time.monotonic() - began

        began = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for _ in range(at_once):
                group.create_task(submit())
        total = time.monotonic() - began
        pages, listed = await _pages(http)
    wrong = len(set(submitted).symmetric_difference(listed)) + len(listed) - len(set(listed))
    return Figures(list(submitted.values()), total, pages, wrong, listed == sorted(listed, reverse=True))


async def _pages(http: httpx2.AsyncClient) -> tuple[list[float], list[str]]:
    """The seconds of each page, and the ids on all of them."""
    seconds, ids = [], []
    path: str | None = f"/jobs?limit={PAGE}"
    while path:
        began = time.monotonic()
        answer = await http.get(path)
        seconds.append(time.monotonic() - began)
        ids += [job["id"] for job in answer.raise_for_status().json()["data"]]
        path = answer.links.get("next", {}).get("url")
    return seconds, ids

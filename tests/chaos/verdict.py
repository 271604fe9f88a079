"""Judges a campaign over REST: the jobs, their streams and their files."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from pippin.api.jobs import Job
from pippin.api.states import Status
from pippin.client import Client, Event
from pippin.models.mlmodel import FrozenNetwork, Weights, open_model
from pippin.models.mlmodel.proto import parse
from tests.chaos.campaign import Injection, Outcome

# Streams have times in milliseconds, attempts in microseconds.
_ROUNDING = timedelta(milliseconds=1)
# States in which no attempt holds the job.
_AT_REST = {"queued", "paused", "succeeded", "failed", "cancelled"}


@dataclass(frozen=True)
class Recovery:
    """The recovery from a fault that ended an attempt.

    Attributes:
        seconds: From the fault's beginning to the `running` event of a later attempt.
        apart: Whether Redis was unavailable in that time.
        meanwhile: The other faults of shared parts in that time.
    """

    injection: Injection
    seconds: float
    apart: bool
    meanwhile: list[Injection]


@dataclass(frozen=True)
class Verdict:
    """The judgement of a campaign.

    Attributes:
        wrong: Violations, in sentences.
        survived: Number of worker faults that ended no attempt, for example because the training was over.
        hit_again: Number of faults after which the next attempt was hit too before it ran.
    """

    wrong: list[str]
    recoveries: list[Recovery]
    jobs: list[Job]
    survived: int
    hit_again: int


def judge(client: Client, outcome: Outcome, folder: Path) -> Verdict:
    """Check every job. Downloads are written to `folder`."""
    wrong = list(outcome.wrong)
    jobs, recoveries = [], []
    trained: dict[int | None, list[Any]] = {}
    survived = hit_again = 0
    for job_id in outcome.jobs:
        job, events = client.job(job_id), list(client.events(job_id))
        jobs.append(job)
        wrong += [f"{job_id}: {found}" for found in _faults_of(job, events, outcome.followed.get(job_id, []))]
        if job.status is Status.SUCCEEDED:
            files, found = _download(client, job, folder)
            wrong += [f"{job_id}: {each}" for each in found]
            model = open_model(files["trained"])
            assert isinstance(model, FrozenNetwork)
            trained.setdefault(job.request.hyperparameters.seed, []).append(model.weights)
        hits = {each.attempt: each for each in outcome.injections if each.job == job_id and each.attempt is not None}
        for number, injection in hits.items():
            again = _running_again(events, number)
            if again is None:
                survived += 1
            elif any(later in hits for later in range(number + 1, again[0])):
                hit_again += 1
            else:
                recoveries.append(_recovery(injection, again[1], outcome.injections))
    for seed, weights in trained.items():
        if not all(same_weights(weights[0], each) for each in weights[1:]):
            wrong.append(f"two trainings with the seed {seed} have learned different weights")
    return Verdict(wrong, recoveries, jobs, survived, hit_again)


def _faults_of(job: Job, events: Sequence[Event], followed: list[int]) -> Iterator[str]:
    if job.status is not Status.SUCCEEDED:
        yield f"it is {job.status}: {job.reason}"
    every = list(range(1, job.progress.epochs + 1))
    epochs = [event.data["epoch"] for event in events if event.type == "epoch"]
    if epochs != every:
        yield f"its stream has the epochs {epochs}"
    if followed != every:
        yield f"who followed it saw the epochs {followed}"
    yield from _wrong_attempts(job)
    yield from _writes_outside_their_lease(job, events)


def _wrong_attempts(job: Job) -> Iterator[str]:
    """Attempts that overlap or are numbered wrongly."""
    if [attempt.number for attempt in job.attempts] != list(range(1, len(job.attempts) + 1)):
        yield f"its attempts have the numbers {[attempt.number for attempt in job.attempts]}"
    for attempt in job.attempts:
        if attempt.ended_at is None:
            yield f"attempt {attempt.number} has no end"
    for earlier, later in pairwise(job.attempts):
        if earlier.ended_at is not None and later.started_at < earlier.ended_at:
            yield f"attempt {later.number} began before {earlier.number} had ended"


def _writes_outside_their_lease(job: Job, events: Sequence[Event]) -> Iterator[str]:
    """Events of attempts that did not hold the job at that moment."""
    holder = latest = 0  # the attempt that holds the job, 0 for none; and the last attempt that held it
    for event in events:
        if event.type == "state" and event.data["to"] == "starting":
            holder = int(str(event.data["attempt"]))
            if holder <= latest:
                yield f"attempt {holder} began after attempt {latest}"
            latest = holder
        elif event.type == "state" and event.data["to"] in _AT_REST:
            holder = 0
        elif event.type in {"epoch", "batches", "log"}:
            number = int(str(event.data["attempt"]))
            attempt = job.attempts[number - 1]
            if number != holder:
                yield f"attempt {number} wrote {event.type} {event.id} while attempt {holder} held the job"
            elif attempt.ended_at is not None and _time(event) > attempt.ended_at + _ROUNDING:
                yield f"attempt {number} wrote {event.type} {event.id} after its end"
            elif _time(event) < attempt.started_at - _ROUNDING:
                yield f"attempt {number} wrote {event.type} {event.id} before its beginning"


def _download(client: Client, job: Job, folder: Path) -> tuple[dict[str, bytes], list[str]]:
    """The files of a job by variant, and their violations."""
    files: dict[str, bytes] = {}
    wrong: list[str] = []
    if {artifact.variant for artifact in job.artifacts} != {"initial", "trained", "inference"}:
        wrong.append(f"its artifacts are {[artifact.variant for artifact in job.artifacts]}")
    for artifact in job.artifacts:
        path = client.download(job.id, folder / f"{artifact.variant}.mlmodel", variant=artifact.variant)
        content = files[artifact.variant] = path.read_bytes()
        path.unlink()
        if artifact.digest != f"sha256:{hashlib.sha256(content).hexdigest()}" or artifact.bytes != len(content):
            wrong.append(f"its {artifact.variant} model is not what its record says")
        parse(content)
    return files, wrong


def _running_again(events: Sequence[Event], number: int) -> tuple[int, datetime] | None:
    """The first attempt after `number` that ran, and since when; None if no later attempt ran."""
    for event in events:
        if event.type == "state" and event.data["to"] == "running" and int(str(event.data["attempt"])) > number:
            return int(str(event.data["attempt"])), _time(event)
    return None


def _recovery(injection: Injection, again: datetime, every: Sequence[Injection]) -> Recovery:
    meanwhile = [each for each in every if each.attempt is None and each.at < again and each.ended > injection.at]
    apart = any(each.fault.outage for each in meanwhile)
    return Recovery(injection, (again - injection.at).total_seconds(), apart, meanwhile)


def same_weights(one: Weights, other: Weights) -> bool:
    """Whether both have the same arrays, bit by bit."""
    return one.keys() == other.keys() and all(
        np.array_equal(array, other[layer][key]) for layer, arrays in one.items() for key, array in arrays.items()
    )


def _time(event: Event) -> datetime:
    return datetime.fromtimestamp(int(event.id.partition("-")[0]) / 1000, UTC)

"""A campaign's result as a readable table."""

from collections.abc import Iterator
from itertools import chain
from statistics import median

from tests.chaos.faults import KILLS, Fault
from tests.chaos.verdict import Recovery
from tests.chaos.whole import Result


def lines(result: Result) -> Iterator[str]:
    size, outcome, verdict = result.size, result.outcome, result.verdict
    yield (
        f"{len(outcome.injections)} faults over {len(outcome.jobs)} jobs with {size.workers} workers, lease "
        f"{size.lease_seconds:g} s, seed {result.seed}: {outcome.seconds:.0f} s"
    )
    yield ""
    yield f"{'fault':<66}{'times':>6}   seconds until running again: median, worst"
    for fault in Fault:
        done = [each for each in outcome.injections if each.fault is fault]
        recoveries = [each for each in verdict.recoveries if each.injection.fault is fault]
        yield f"{fault:<66}{len(done):>6}   {_seconds(recoveries)}"
    failed = ", ".join(f"{way} {count}" for way, count in sorted(result.failed_blob_calls.items()))
    yield f"{'blob store fails: ' + failed:<66}{result.failed_blob_calls.total():>6}   of {result.blob_calls} calls"
    yield ""
    kills = [each for each in verdict.recoveries if each.injection.fault in KILLS]
    yield f"from kill to running again, outages apart: {_seconds([each for each in kills if not each.apart])}"
    yield f"the same while Redis was away too:         {_seconds([each for each in kills if each.apart])}"
    alone = [each for each in kills if not each.meanwhile]
    yield f"the same with no other fault meanwhile:    {_seconds(alone)}"
    for each in sorted(kills, key=lambda each: each.seconds)[-3:]:
        meanwhile = ", ".join(other.fault for other in each.meanwhile) or "nothing else"
        yield f"  {each.seconds:.1f} s: {each.injection.fault}; meanwhile: {meanwhile}"
    attempts = list(chain.from_iterable(job.attempts for job in verdict.jobs))
    lost = sum(attempt.status == "lost" for attempt in attempts)
    resumed = sum(attempt.resumed_from is not None for attempt in attempts)
    yield (
        f"attempts: {len(attempts)}, of which {lost} were lost and {resumed} resumed from a checkpoint; "
        f"most of one job: {max((len(job.attempts) for job in verdict.jobs), default=0)}; "
        f"faults that ended no attempt: {verdict.survived}, that hit the next one before it ran: {verdict.hit_again}"
    )
    yield f"trainings that woke up and found their job taken: {result.zombies}"
    ends = sorted({str(job.status) for job in verdict.jobs})
    yield "jobs: " + ", ".join(f"{sum(job.status == end for job in verdict.jobs)} {end}" for end in ends)
    yield f"wrong: {len(result.wrong) or 'nothing'}"
    yield from (f"  {each}" for each in result.wrong)


def _seconds(recoveries: list[Recovery]) -> str:
    if not recoveries:
        return "-"
    seconds = [each.seconds for each in recoveries]
    return f"{median(seconds):.1f}, {max(seconds):.1f} (of {len(seconds)})"

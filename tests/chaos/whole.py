"""A whole campaign, from an empty folder to the verdict."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pippin.store import connect, keys
from tests.chaos.campaign import Campaign, Outcome, Size
from tests.chaos.cluster import Cluster
from tests.chaos.verdict import Verdict, judge

_FAILING_BLOBS = 0.2


@dataclass(frozen=True)
class Result:
    """The result of a campaign.

    Attributes:
        blob_calls: Number of calls of workers to the blob store.
        failed_blob_calls: Number of failed calls by kind of failure.
        zombies: Number of trainings that noticed that they had lost their lease.
        wrong: All violations, in sentences.
    """

    size: Size
    seed: int
    outcome: Outcome
    verdict: Verdict
    blob_calls: int
    failed_blob_calls: Counter[str]
    zombies: int
    wrong: list[str]


def run(folder: Path, size: Size, *, seed: int, say: Callable[[str], None] = lambda _: None) -> Result:
    cluster = Cluster(
        folder,
        workers=size.workers,
        epoch_seconds=size.epoch_seconds,
        failing_blobs=_FAILING_BLOBS,
        seed=seed,
        settings={"lease_seconds": size.lease_seconds, **size.settings},
    )
    with cluster:
        assert cluster.blobs is not None
        outcome = Campaign(cluster, size, seed, say).run()
        with cluster.client() as client:
            verdict = judge(client, outcome, folder)
        wrong = [*verdict.wrong, *_unsettled(cluster)]
        zombies = sum(member.log.count("lease lost") for member in cluster.workers)
    missing = size.faults - len(outcome.injections)
    wrong += [f"{missing} faults were not injected: the jobs were over before"] if missing else []
    wrong += [f"left behind: {each}" for each in cluster.remains()]
    return Result(size, seed, outcome, verdict, cluster.blobs.calls, cluster.blobs.failed, zombies, wrong)


def _unsettled(cluster: Cluster) -> list[str]:
    """Leftovers of trainings in the records, although every job has ended."""
    deadline = time.monotonic() + 10
    with connect(cluster.valkey.url) as client:
        while True:
            wrong = [f"{name} is not empty" for name in (keys.LEASES, keys.QUEUED, keys.STRAYS) if client.exists(name)]
            wrong += [f"RQ still has {key}" for key in client.scan_iter("rq:job:*")]
            if not wrong or time.monotonic() > deadline:
                return wrong
            time.sleep(0.2)

"""Losses of the jobs' records and damage to cached files: invariants that hold nevertheless.

No blob is deleted, no unauthenticated request is answered, and every training learns the same weights.
"""

import shutil
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import httpx2

from pippin.api.jobs import Job
from pippin.api.states import Status
from pippin.api.tokens import issue
from pippin.blobs import Blobs
from pippin.client import Client
from pippin.models.mlmodel import FrozenNetwork, Weights, open_model
from tests.chaos.cluster import Cluster
from tests.chaos.jobs import dataset, request
from tests.chaos.verdict import same_weights
from tests.support.sweeps import wait_for_sweeps

_EPOCHS = 6
# Long enough for the loss to happen during the training.
_LONG_EPOCHS = 2_000
_SETTINGS: dict[str, object] = {
    "lease_seconds": 3,
    "lease_renew_seconds": 1,
    "reaper_interval_seconds": 0.5,
    "reaper_grace_seconds": 2,
    "sweep_interval_seconds": 0.5,
    "sweep_grace_seconds": 1,
}
_GIVE_UP_SECONDS = 120.0

Say = Callable[[str], None]


def run(folder: Path, *, say: Say, sweeps: int = 12) -> list[str]:
    """Inflict each loss on a cluster in an empty folder.

    Args:
        folder: That folder.
        say: Takes each line of what happens.
        sweeps: How many are waited for after a loss; the deletion of an unnamed blob takes four at most.

    Returns:
        Violations, in sentences.
    """
    with Cluster(folder, workers=2, epoch_seconds=0.05, settings=_SETTINGS) as cluster:
        losses = _Losses(cluster, folder, say, sweeps)
        losses.run()
    return losses.wrong + [f"left behind: {each}" for each in cluster.remains()]


def lines(wrong: list[str]) -> list[str]:
    return [f"losses, wrong: {len(wrong) or 'nothing'}", *(f"  {each}" for each in wrong)]


class _Losses:
    def __init__(self, cluster: Cluster, folder: Path, say: Say, sweeps: int) -> None:
        self.wrong: list[str] = []
        self._cluster = cluster
        self._folder = folder
        self._say = say
        self._sweeps = sweeps
        self._blobs = Blobs((cluster.home / "blobs").as_uri())
        self._token = issue("admin", "losses")
        self._learned: dict[int, Weights] = {}

    def run(self) -> None:
        self._let_in()
        self._add_dataset()
        self._train(1, "at first")
        old = self._folder / "old-records"
        shutil.copytree(self._cluster.records, old)
        self._train(2, "after the snapshot")
        self._lose("an old snapshot was restored", lambda: self._cluster.kill_valkey(restore=old))
        self._train(2, "after the snapshot was restored")
        self._lose("Redis was emptied", self._empty)
        self._let_in()
        self._add_dataset()
        self._train(1, "after Redis was emptied")
        self._damage_caches()
        self._train(2, "after the cached files were damaged")

    def _let_in(self) -> None:
        """Add the token, as `pippin tokens create` does."""
        with closing(self._cluster.store()) as store:
            store.tokens.add(self._token)

    def _client(self) -> Client:
        return self._cluster.client(token=self._token.text)

    def _add_dataset(self) -> None:
        with self._client() as client:
            client.add_dataset("points", [dataset(self._folder)])

    def _train(self, seed: int, when: str) -> None:
        """Train; the same seed must always give the same weights."""
        with self._client() as client:
            job = client.submit(request(_EPOCHS, seed=seed))
            ended = _wait(client, job.id, lambda job: job.status.is_final)
            self._say(f"a training {when}: {ended.status}")
            if ended.status is not Status.SUCCEEDED:
                self.wrong.append(f"a training {when} is {ended.status}: {ended.reason}")
                return
            model = open_model(client.download(job.id, self._folder / "trained.mlmodel").read_bytes())
        assert isinstance(model, FrozenNetwork)
        if not same_weights(self._learned.setdefault(seed, model.weights), model.weights):
            self.wrong.append(f"a training {when} has learned other weights than the same training before")

    def _lose(self, what: str, happen: Callable[[], None]) -> None:
        """Lose records during a training, and check the remaining blobs after many sweeps."""
        # By then the blobs that earlier jobs released are deleted, and a record names every other blob.
        self._wait_for_sweeps()
        before = self._names()
        with self._client() as client:
            job = client.submit(request(_LONG_EPOCHS, seed=3))
            _wait(client, job.id, lambda job: job.progress.epoch > 1)
        happen()
        self._cluster.wait_until_ready()
        self._wait_for_sweeps()
        deleted = before - self._names()
        status = httpx2.get(f"{self._cluster.urls[0]}/jobs", timeout=120, trust_env=False).status_code
        self._say(f"{what}: {len(deleted)} of {len(before)} blobs deleted; a stranger's GET /jobs: {status}")
        if deleted:
            self.wrong.append(f"{len(deleted)} of {len(before)} blobs were deleted after {what}")
        if status != httpx2.codes.UNAUTHORIZED:
            self.wrong.append(f"a stranger's GET /jobs was answered {status} after {what}")

    def _wait_for_sweeps(self) -> None:
        with closing(self._cluster.store()) as store:
            wait_for_sweeps(store, self._sweeps)

    def _names(self) -> set[str]:
        return {*self._blobs.names()}

    def _empty(self) -> None:
        with closing(self._cluster.store()) as store:
            store.redis.flushall()

    def _damage_caches(self) -> None:
        damaged = self._cluster.damage_cache(in_place=True)
        self._say(f"damaged {damaged} cached files")
        if not damaged:
            self.wrong.append("no cached file was there to be damaged")


def _wait(client: Client, job_id: str, condition: Callable[[Job], bool]) -> Job:
    deadline = time.monotonic() + _GIVE_UP_SECONDS
    while not condition(job := client.job(job_id)):
        assert time.monotonic() < deadline, f"{job_id} is still {job.status}"
        time.sleep(0.1)
    return job

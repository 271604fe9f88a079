"""Memory of a worker while Redis accepts no writes: a process reports mini-batches as fast as it can."""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx2

from pippin.api.requests import CheckpointPolicy
from pippin.blobs import Blobs
from pippin.settings import Settings
from pippin.store import Store, connect
from tests.abuse.attacks import MB, Damage
from tests.support.claimed_job import claimed_job
from tests.support.service_process import ServiceProcess
from worker.attempt.checkpoints import Checkpoints
from worker.attempt.outbox import Outbox
from worker.attempt.report import Report
from worker.engines.engine import EpochResult
from worker.stop import StopFlag

# An epoch of a million examples in mini-batches of seven.
_BATCHES = 150_000
_MOST_BYTES = 300 * MB


def run(seconds: float) -> Damage:
    """Report into a full Redis for so long."""
    ended = subprocess.run(
        [sys.executable, "-m", "tests.abuse.outbox"], input=str(seconds), stdout=subprocess.PIPE, text=True, check=True
    )
    held = json.loads(ended.stdout.splitlines()[-1])
    damage = Damage(
        {
            "epochs reported and recorded in the end": f"{held['reported']} and {held['recorded']}",
            "the worker held before and at most": f"{held['before'] / MB:.0f} MB and {held['peak'] / MB:.0f} MB",
        }
    )
    if held["peak"] - held["before"] > _MOST_BYTES:
        damage.wrong.append(f"the worker held {held['peak'] / MB:.0f} MB")
    if held["recorded"] != held["reported"]:
        damage.wrong.append(f"{held['reported'] - held['recorded']} epochs were lost")
    return damage


def main() -> None:
    """Measure in this process: the duration in seconds on standard input, the result as JSON on standard output."""
    seconds = float(sys.stdin.read())
    with (
        tempfile.TemporaryDirectory(prefix="pippin-abuse-") as home,
        ServiceProcess(Path(home), lease_seconds=3600) as service,
        httpx2.Client(base_url=service.url, timeout=120) as http,
    ):
        service.wait_for_sample()
        redis = connect(service.valkey.url)
        store = Store(redis, lease_seconds=3600)
        claim = claimed_job(store, http, 1000)
        job = store.jobs.get(claim.tenant, claim.job_id)
        assert job is not None
        stop = StopFlag()
        with Outbox(stop) as outbox:
            report = Report(
                store.attempts,
                claim,
                outbox,
                stop,
                engine="jax",
                hyperparameters=job.request.hyperparameters,
                checkpoints=Checkpoints(
                    CheckpointPolicy(every_epochs=1_000_000),
                    Blobs((Path(home) / "blobs").as_uri()),
                    patience=1,
                    room=32 * 2**20,
                ),
                last=None,
                max_batch_losses=Settings().max_batch_losses,
            )
            report.training_began()
            assert outbox.flush(30)
            redis.config_set("maxmemory", 1)
            before = peak = _resident()
            epochs, until = 0, time.monotonic() + seconds
            while time.monotonic() < until:
                epochs += 1
                losses = tuple(1 / (1 + epochs + step) for step in range(_BATCHES))
                report.epoch_ended(EpochResult(epochs, 0.5, 0.25, 0.9, 0.05, 1e6, losses))
                peak = max(peak, _resident())
                time.sleep(0.02)
            redis.config_set("maxmemory", 0)
            assert outbox.flush(300)
        listed = http.get(f"/jobs/{claim.job_id}/metrics", headers={"accept": "text/csv"}).raise_for_status().text
        recorded = len(listed.strip().splitlines()) - 1
        store.close()
    json.dump({"before": before, "peak": peak, "reported": epochs, "recorded": recorded}, sys.stdout)


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    main()

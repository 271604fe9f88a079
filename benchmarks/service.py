"""Measures the time from `POST /jobs` to the first epoch of 1,000 examples, and the memory of the idle service.

Runs `pippin up` in a temporary home. The first jobs are not counted: they fill the caches of compiled programs and
datasets. Ray Jobs takes 1.4 to 2.2 s until a job's state is `running`, measured on 2 cores.
"""

import io
import os
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import httpx2
import numpy as np
from running import running_pippin

from pippin.datasets import sample
from pippin.datasets.arrays import open_arrays

WARM_UP, COUNTED = 2, 9
PEER_SECONDS = (1.4, 2.2)


def thousand_digits() -> bytes:
    """An NPZ file with 1,000 training and 200 test digits of the packaged sample."""
    with tempfile.TemporaryDirectory() as folder:
        arrays = open_arrays(sample.prepare(Path(folder)).arrays_path)
        buffer = io.BytesIO()
        np.savez(
            buffer,
            **{
                f"{split}/{name}": np.array(arrays[f"{split}/{stored}"][:count])
                for split, count in (("train", 1000), ("test", 200))
                for name, stored in (("image", "image"), ("output_true", "label"))
            },
        )
    return buffer.getvalue()


def first_epoch_after_post(http: httpx2.Client, dataset: str) -> float:
    """Seconds from sending the request to receiving the first epoch's event."""
    body = {
        "model": {"preset": "mnist-cnn"},
        "dataset": dataset,
        "hyperparameters": {"epochs": 1, "learning_rate": 0.001, "seed": 1},
    }
    started = time.perf_counter()
    job = http.post("/jobs", json=body).raise_for_status().json()
    path = f"/jobs/{job['id']}/metrics"
    with http.stream("GET", path, headers={"accept": "text/event-stream"}) as stream:
        for line in stream.iter_lines():
            if line.startswith("event: epoch"):
                seconds = time.perf_counter() - started
            if line.startswith("event: end"):
                return seconds
    raise SystemExit(f"{path} ended without an epoch")


def resident_megabytes(module: str, supervisor: int) -> float:
    """The resident memory of the process that runs `module` under the supervisor."""
    listing = subprocess.run(["ps", "-eo", "ppid,rss,args"], check=True, capture_output=True, text=True).stdout
    rows = [line.split(None, 2) for line in listing.splitlines()[1:]]
    sizes = [int(rss) / 1024 for parent, rss, args in rows if int(parent) == supervisor and f"-m {module}" in args]
    if len(sizes) != 1:
        raise SystemExit(f"found {len(sizes)} processes that run {module}")
    return sizes[0]


def main() -> None:
    """Measure and print."""
    with running_pippin() as (url, supervisor), httpx2.Client(base_url=url, timeout=60) as http:
        idle_megabytes = resident_megabytes("service", supervisor)
        reply = http.post("/datasets", params={"name": "thousand", "format": "npz"}, content=thousand_digits())
        dataset = reply.raise_for_status().json()["id"]
        times = [first_epoch_after_post(http, dataset) for _ in range(WARM_UP + COUNTED)][WARM_UP:]
        final_megabytes = resident_megabytes("service", supervisor)
    median = statistics.median(times)
    low, high = (peer / median for peer in PEER_SECONDS)
    print(f"\nPOST /jobs to the first epoch of 1,000 digits, {COUNTED} jobs, {os.cpu_count()} cores")
    print(f"  median {median:.2f} s, best {min(times):.2f} s, worst {max(times):.2f} s")
    print(f"  Ray Jobs to `running`: {PEER_SECONDS[0]} to {PEER_SECONDS[1]} s, {low:.1f} to {high:.1f} times ours")
    print(f"Service at rest: {idle_megabytes:.0f} MB resident; after {WARM_UP + COUNTED} jobs {final_megabytes:.0f} MB")


if __name__ == "__main__":
    main()

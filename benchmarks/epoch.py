"""Compares the seconds per epoch of 60,000 digits in Pippin, Keras on TensorFlow and eager PyTorch: ratios of medians.

Each round runs every framework once, one after the other, so that a change in the speed of the machine affects all
equally. A run is a fresh process that trains a few epochs. The first epoch includes compilation; the fastest of the
later epochs counts.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from pippin.datasets import sample
from pippin.datasets.arrays import open_arrays

PEERS = Path(__file__).parent / "peers"
NAMES = {"pippin": "Pippin (jax)", "keras": "Keras/TensorFlow", "torch": "PyTorch eager"}


def write_digits(path: Path) -> None:
    """Write 60,000 digits: the packaged 10,000 repeated six times, because their content does not affect the time."""
    with tempfile.TemporaryDirectory() as folder:
        arrays = open_arrays(sample.prepare(Path(folder)).arrays_path)
        images = np.tile(arrays["train/image"], (6, 1, 1, 1))
        labels = np.tile(arrays["train/label"].reshape(-1), 6)
    np.savez(path, images=images, labels=labels)


def seconds_an_epoch(python: str, framework: str, digits: Path, epochs: int) -> float:
    """Run one framework once and return its seconds per epoch."""
    process = subprocess.run(
        [python, str(PEERS / f"{framework}_epoch.py"), str(digits), str(epochs)],
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    return min(json.loads(process.stdout.splitlines()[-1])["seconds"][1:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", required=True, help="the Python that has TensorFlow and PyTorch")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=3)
    options = parser.parse_args()
    pythons = {"pippin": sys.executable, "keras": options.peers, "torch": options.peers}
    times: dict[str, list[float]] = {framework: [] for framework in pythons}
    print(
        f"An epoch of 60,000 digits, the seed's network, batch 128, Adam; {os.cpu_count()} cores, {platform.machine()}"
    )
    with tempfile.TemporaryDirectory() as folder:
        digits = Path(folder) / "digits.npz"
        write_digits(digits)
        for number in range(1, options.rounds + 1):
            for framework, python in pythons.items():
                times[framework].append(seconds_an_epoch(python, framework, digits, options.epochs))
                print(f"  round {number}: {NAMES[framework]:17} {times[framework][-1]:6.2f} s", flush=True)
    medians = {framework: statistics.median(seconds) for framework, seconds in times.items()}
    print(f"\n{'':19}{'median':>9}{'min':>8}{'max':>8}{'time / ours':>13}")
    for framework, seconds in times.items():
        ratio = medians[framework] / medians["pippin"]
        print(f"{NAMES[framework]:19}{medians[framework]:7.2f} s{min(seconds):8.2f}{max(seconds):8.2f}{ratio:12.2f}x")


if __name__ == "__main__":
    main()

"""Runs the training of the seed app: all 60,000 digits, Adam at 1e-4, batches of 128, 10 epochs, shuffled.

Performs all steps of a user: `pippin up`, upload, job, download. Then predicts the 10,000 test digits in NumPy with the
downloaded file. The seed app reached 0.9833 in 248 s on an iPhone 11.
"""

import argparse
import os
import platform
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from running import running_pippin

from pippin.client import Client
from pippin.datasets.arrays import open_arrays
from pippin.datasets.errors import DatasetError
from pippin.datasets.limits import DatasetLimits
from pippin.datasets.mnist import collect
from pippin.datasets.options import DatasetOptions
from pippin.datasets.prepare import prepare
from pippin.models.mlmodel import read
from pippin.network import predict

TARGET = 0.98
HYPERPARAMETERS = {"epochs": 10, "mini_batch_size": 128, "learning_rate": 0.0001, "shuffle": True, "seed": 7}


def held_out_digits(folder: Path) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """The 10,000 test digits and their labels: [N, 1, 28, 28] and [N]."""
    with tempfile.TemporaryDirectory() as workdir:
        prepared = prepare(collect(folder), DatasetOptions(), DatasetLimits(), Path(workdir))
        arrays = open_arrays(prepared.arrays_path)
        return np.array(arrays["test/image"]), np.array(arrays["test/label"]).reshape(-1)


def accuracy_of(model: Path, images: NDArray[np.uint8], labels: NDArray[np.int32]) -> float:
    """The share of digits for which the model's largest output is the label."""
    file = read(model.read_bytes())
    correct = 0
    for start in range(0, len(images), 1000):
        part = slice(start, start + 1000)
        inputs = {"image": images[part].astype(np.float32) / 255}
        predicted = predict(file.resolved, file.weights, inputs)["output"].argmax(axis=1)
        correct += int((predicted == labels[part]).sum())
    return correct / len(images)


def main() -> None:
    """Train, print each epoch and the test accuracy; exit with 1 when the accuracy is below the target."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--from", dest="folder", type=Path, required=True, help="where the four MNIST files lie")
    folder = parser.parse_args().folder
    try:
        files = [file.path for file in collect(folder).files]
    except DatasetError as error:
        sys.exit(f"{error}\nName the folder with: make bench-mnist MNIST=folder")
    print(f"MNIST, {HYPERPARAMETERS}, on {os.cpu_count()} cores, {platform.machine()}")
    with running_pippin() as (url, _), Client(url) as client, tempfile.TemporaryDirectory() as downloads:
        client.add_dataset("mnist", files)
        started = time.perf_counter()
        job = client.submit({"model": {"preset": "mnist-cnn"}, "dataset": "mnist", "hyperparameters": HYPERPARAMETERS})
        for epoch in client.follow(job.id):
            print(
                f"  epoch {epoch.epoch:2}: loss {epoch.loss:.4f}, test loss {epoch.validation_loss:.4f},"
                f" test accuracy {epoch.validation_accuracy:.4f}, {epoch.seconds:.1f} s",
                flush=True,
            )
        job = client.wait(job.id)
        if job.reason is not None:
            sys.exit(f"the job failed: {job.reason.detail}")
        seconds = time.perf_counter() - started
        accuracy = accuracy_of(client.download(job.id, downloads), *held_out_digits(folder))
    print(
        f"{seconds:.0f} s from POST to the end. Test accuracy of the downloaded model: {accuracy:.4f} (goal {TARGET})"
    )
    if accuracy < TARGET:
        sys.exit(1)


if __name__ == "__main__":
    main()

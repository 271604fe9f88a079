"""Trains the seed's network with the engine jax on the arrays of an NPZ file; prints the seconds per epoch as JSON."""

import json
import sys
import tempfile
from pathlib import Path

import numpy as np

from pippin.api.requests import Hyperparameters
from pippin.models.mlmodel import build
from pippin.models.spec import resolve
from pippin.models.spec.presets import preset
from worker.engines import EngineOptions, make_engine
from worker.engines.engine import EpochResult, Examples, TrainingRun


class Stopwatch:
    """An observer that records the times of epochs."""

    def __init__(self) -> None:
        self.results: list[EpochResult] = []

    def stop_requested(self) -> bool:
        return False

    def training_began(self, notice: str | None = None) -> None:
        """Ignore the end of the compilation; epochs report their own times."""

    def epoch_ended(self, result: EpochResult, snapshot: object = None) -> None:
        self.results.append(result)

    def log(self, line: str) -> None:
        print(line, file=sys.stderr)


def main(path: str, epochs: int) -> None:
    with np.load(path) as arrays:
        examples = Examples(
            arrays={"image": arrays["images"], "output_true": arrays["labels"].astype(np.int32).reshape(-1, 1)},
            scales={"image": 1 / 255},
            count=len(arrays["labels"]),
        )
    stopwatch = Stopwatch()
    with tempfile.TemporaryDirectory() as cache:
        make_engine("jax", EngineOptions(threads=None, cache=Path(cache))).train(
            TrainingRun(
                model=build(resolve(preset("mnist-cnn"))),
                hyperparameters=Hyperparameters(
                    epochs=epochs,
                    mini_batch_size=128,
                    learning_rate=1e-4,
                    beta1=0.9,
                    beta2=0.999,
                    eps=1e-8,
                    shuffle=True,
                    seed=7,
                ),
                training=examples,
                validation=None,
                report_batches=False,
            ),
            stopwatch,
        )
    print(json.dumps({"seconds": [r.seconds for r in stopwatch.results], "loss": stopwatch.results[-1].loss}))


main(sys.argv[1], int(sys.argv[2]))

"""Trains a small model in a separate process, configured like a worker; prints the result as JSON."""

import argparse
import hashlib
import json
import resource
import sys
from pathlib import Path

from worker.engines.jax.configure import configure

parser = argparse.ArgumentParser()
parser.add_argument("--cache", type=Path)
parser.add_argument("--channels", type=int, default=4)
parser.add_argument("--mini-batch", type=int, default=8)
parser.add_argument("--memory", type=int, help="bytes that the training may take")
parser.add_argument("--checkpoint", type=Path, help="where to go on from if it is there, and written at a stop")
parser.add_argument("--patience", type=int, help="how many times a stop is not asked for; a chunk is one step then")
arguments = parser.parse_args()

configure(threads=2, cache_dir=arguments.cache)

import jax  # noqa: E402 - as the worker does it: configured first
import numpy as np  # noqa: E402

from pippin.api.requests import Hyperparameters  # noqa: E402
from pippin.jobs.checkpoints import read_checkpoint, write_checkpoint  # noqa: E402
from pippin.models.mlmodel import build  # noqa: E402
from pippin.models.spec import resolve  # noqa: E402
from worker.engines.engine import EngineError, EpochResult, Examples, Stopped, TrainingRun  # noqa: E402
from worker.engines.jax.engine import JaxEngine  # noqa: E402

EXAMPLES = max(50, arguments.mini_batch)


class Observer:
    def __init__(self) -> None:
        self.losses: list[float] = []
        self.notice: str | None = None
        self.asked = 0

    def stop_requested(self) -> bool:
        self.asked += 1
        return arguments.patience is not None and self.asked > arguments.patience

    def training_began(self, notice: str | None = None) -> None:
        self.notice = notice

    def epoch_ended(self, result: EpochResult, snapshot: object = None) -> None:  # noqa: ARG002
        self.losses.append(result.loss)

    def log(self, line: str) -> None:
        pass


def threads() -> int:
    return len(list(Path("/proc/self/task").iterdir())) if sys.platform == "linux" else 0


def run() -> TrainingRun:
    spec = {
        "inputs": [{"name": "image", "shape": [1, 8, 8]}],
        "outputs": [{"name": "digit", "shape": [3]}],
        "layers": [
            {
                "type": "convolution",
                "name": "conv",
                "output_channels": arguments.channels,
                "kernel_size": [3, 3],
                "updatable": True,
            },
            {"type": "relu", "name": "rectified"},
            {"type": "flatten", "name": "flat"},
            {"type": "inner_product", "name": "out", "output_channels": 3, "updatable": True},
            {"type": "softmax", "name": "share"},
        ],
        "loss": {"type": "categorical_cross_entropy", "target": "label"},
        "optimizer": {"type": "sgd", "learning_rate": 0.1, "mini_batch_size": 8, "momentum": 0.9},
        "epochs": 3,
    }
    random = np.random.default_rng(0)
    images, labels = random.integers(0, 256, (EXAMPLES, 1, 8, 8), np.uint8), random.integers(0, 3, EXAMPLES)
    data = Examples({"image": images, "label": labels}, {"image": 1 / 255}, EXAMPLES)
    asked = Hyperparameters(
        epochs=3, mini_batch_size=arguments.mini_batch, learning_rate=0.1, momentum=0.9, shuffle=True, seed=4
    )
    resume = None
    if arguments.checkpoint and arguments.checkpoint.exists():
        resume = read_checkpoint(arguments.checkpoint.read_bytes())
    return TrainingRun(build(resolve(spec)), asked, data, data, report_batches=False, resume=resume)


def main() -> dict[str, object]:
    before = threads()
    engine = JaxEngine(steps_per_chunk=None if arguments.patience is None else 1)
    engine.warm_up()
    started = threads() - before
    events: list[str] = []
    jax.monitoring.register_event_listener(lambda event, **_: events.append(event))
    asked, observer = run(), Observer()
    if arguments.memory:
        resource.setrlimit(resource.RLIMIT_DATA, (arguments.memory, arguments.memory))
    try:
        weights = engine.train(asked, observer)
    except EngineError as error:
        return {"reason": error.reason, "detail": str(error)}
    except Stopped as stopped:
        arguments.checkpoint.write_bytes(write_checkpoint(stopped.checkpoint))
        return {"losses": observer.losses, "notice": observer.notice}
    digest = hashlib.sha256()
    for arrays in weights.values():
        for array in arrays.values():
            digest.update(array.tobytes())
    return {
        "digest": digest.hexdigest(),
        "losses": observer.losses,
        "notice": observer.notice,
        "found": events.count("/jax/compilation_cache/cache_hits"),
        "compiled": events.count("/jax/compilation_cache/cache_misses"),
        "threads_started_by_warming_up": started,
    }


if __name__ == "__main__":
    json.dump(main(), sys.stdout)

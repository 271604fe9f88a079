"""Trains a small model in a separate process, configured like a worker; prints the result as JSON."""

import argparse
import hashlib
import json
import resource
import sys
from dataclasses import replace
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

from pippin.jobs.checkpoints import read_checkpoint, write_checkpoint  # noqa: E402
from pippin.models.mlmodel import build  # noqa: E402
from pippin.models.spec import resolve  # noqa: E402
from tests.worker.engines import lab  # noqa: E402
from worker.engines.engine import EngineError, Stopped, TrainingRun  # noqa: E402
from worker.engines.jax.engine import JaxEngine  # noqa: E402


def threads() -> int:
    return len(list(Path("/proc/self/task").iterdir())) if sys.platform == "linux" else 0


def run() -> TrainingRun:
    channels = {"output_channels": arguments.channels, "kernel_size": [3, 3], "updatable": True}
    spec = lab.document(
        inputs=[{"name": "image", "shape": [1, 8, 8]}],
        outputs=[{"name": "digit", "shape": [3]}],
        layers=[
            {"type": "convolution", "name": "conv", **channels},
            {"type": "relu", "name": "rectified"},
            {"type": "flatten", "name": "flat"},
            lab.dense("out", 3),
            lab.SOFTMAX,
        ],
        loss={"type": "categorical_cross_entropy", "target": "label"},
        optimizer=lab.optimizer("sgd", mini_batch_size=8, momentum=0.9),
    )
    random, count = np.random.default_rng(0), max(50, arguments.mini_batch)
    images, labels = random.integers(0, 256, (count, 1, 8, 8), np.uint8), random.integers(0, 3, count)
    data = lab.examples({"image": 1 / 255}, image=images, label=labels)
    values = {"epochs": 3, "mini_batch_size": arguments.mini_batch, "momentum": 0.9, "shuffle": True, "seed": 4}
    made = lab.run(build(resolve(spec)), data, data, **values)
    if arguments.checkpoint and arguments.checkpoint.exists():
        return replace(made, resume=read_checkpoint(arguments.checkpoint.read_bytes()))
    return made


def main() -> dict[str, object]:
    before = threads()
    engine = JaxEngine(steps_per_chunk=None if arguments.patience is None else 1)
    engine.warm_up()
    started = threads() - before
    events: list[str] = []
    jax.monitoring.register_event_listener(lambda event, **_: events.append(event))
    training, notes = run(), lab.Notes(arguments.patience)
    if arguments.memory:
        resource.setrlimit(resource.RLIMIT_DATA, (arguments.memory, arguments.memory))
    try:
        weights = engine.train(training, notes)
    except EngineError as error:
        return {"reason": error.reason, "detail": str(error)}
    except Stopped as stopped:
        arguments.checkpoint.write_bytes(write_checkpoint(stopped.checkpoint))
        return {"losses": [result.loss for result in notes.results], "notice": notes.notices[-1]}
    return {
        "digest": hashlib.sha256(b"".join(lab.bits(weights).values())).hexdigest(),
        "losses": [result.loss for result in notes.results],
        "notice": notes.notices[-1],
        "found": events.count("/jax/compilation_cache/cache_hits"),
        "compiled": events.count("/jax/compilation_cache/cache_misses"),
        "threads_started_by_warming_up": started,
    }


if __name__ == "__main__":
    json.dump(main(), sys.stdout)

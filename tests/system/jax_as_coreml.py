"""`python -m tests.system.jax_as_coreml`: a whole worker that takes Core ML's jobs and trains them with JAX."""

import sys

from pippin.models.mlmodel import Learned
from worker.__main__ import main
from worker.engines import ENGINES
from worker.engines.engine import Engine, Observer, TrainingRun


class Renamed:
    """An engine with the name of the Core ML engine."""

    name = "coreml"

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def warm_up(self) -> None:
        self._engine.warm_up()

    def train(self, run: TrainingRun, observer: Observer) -> Learned:
        return self._engine.train(run, observer)


if __name__ == "__main__":
    ENGINES["coreml"] = lambda options: Renamed(ENGINES["jax"](options))
    sys.exit(main(["--engine", "coreml", "--name", "mac"]))

"""`python -m tests.chaos.paced_worker`: a whole worker whose trainings sleep after each epoch.

So a training lasts long enough to be hit, and three trainings leave CPU time for everything else on a small machine.
The pause is `CHAOS_EPOCH_SECONDS` long.
"""

import os
import sys
import time
from typing import Any

from pippin.models.mlmodel import Learned
from worker.__main__ import main
from worker.engines import ENGINES
from worker.engines.engine import Engine, Observer, TrainingRun


class Resting:
    """An observer that passes every call to another observer, and sleeps after each epoch."""

    def __init__(self, observer: Observer, seconds: float) -> None:
        self._observer = observer
        self._seconds = seconds

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the observer has
        return getattr(self._observer, name)

    def epoch_ended(self, *what: Any, **more: Any) -> None:  # noqa: ANN401 - passed on
        self._observer.epoch_ended(*what, **more)
        time.sleep(self._seconds)


class Paced:
    def __init__(self, engine: Engine, seconds: float) -> None:
        self.name = engine.name
        self.warm_up = engine.warm_up
        self._engine = engine
        self._seconds = seconds

    def train(self, run: TrainingRun, observer: Observer) -> Learned:
        return self._engine.train(run, Resting(observer, self._seconds))


if __name__ == "__main__":
    make = ENGINES["jax"]
    ENGINES["jax"] = lambda options: Paced(make(options), float(os.environ["CHAOS_EPOCH_SECONDS"]))
    sys.exit(main())

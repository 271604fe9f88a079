"""Compares weights trained by the engine jax and by PyTorch, with shuffling and an incomplete last mini-batch.

A network of three dense layers, 90 examples in mini-batches of 32, 10 epochs: SGD with momentum, Core ML's default form
of Adam (`eps_hat`), and PyTorch's form (`eps_outside`). Exits with 1 if a weight differs by more than 1e-6.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from pippin.api.requests import Hyperparameters
from pippin.models.mlmodel import build, read
from pippin.models.spec import resolve
from worker.engines.engine import EpochResult, Examples, TrainingRun
from worker.engines.jax.engine import JaxEngine
from worker.engines.jax.shuffle import first_state, shuffled
from worker.engines.jax.switches import AdamForm, Switches

PEER = Path(__file__).parent / "peers" / "torch_training.py"
LIMIT = 1e-6
EXAMPLES, EPOCHS, SIZE, SEED = 90, 10, 32, 7
SGD = {"learning_rate": 0.05, "momentum": 0.9}
ADAM = {"learning_rate": 0.001, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8}
CASES: list[tuple[str, dict[str, float], AdamForm | None]] = [
    ("sgd", SGD, None),
    ("adam", ADAM, "eps_hat"),
    ("adam", ADAM, "eps_outside"),
]


class _Silent:
    """An observer that ignores all events."""

    def stop_requested(self) -> bool:
        return False

    def training_began(self, notice: str | None = None) -> None:
        pass

    def epoch_ended(self, result: EpochResult, snapshot: object = None) -> None:
        pass

    def log(self, line: str) -> None:
        pass


def _model(optimizer: str, values: dict[str, float]) -> bytes:
    def dense(name: str, outputs: int) -> dict[str, Any]:
        return {"type": "inner_product", "name": name, "output_channels": outputs, "updatable": True}

    layers = [
        dense("one", 24), {"type": "relu", "name": "bend"}, dense("two", 16), {"type": "tanh", "name": "bend again"},
        dense("three", 5), {"type": "softmax", "name": "shares"},
    ]  # fmt: skip
    return build(
        resolve(
            {
                "inputs": [{"name": "x", "shape": [13]}],
                "outputs": [{"name": "y", "shape": [5]}],
                "layers": layers,
                "loss": {"type": "categorical_cross_entropy", "target": "labels"},
                "optimizer": {"type": optimizer, "mini_batch_size": SIZE, **values},
                "epochs": EPOCHS,
            }
        )
    )


def difference(python: str, optimizer: str, values: dict[str, float], adam: AdamForm | None, folder: Path) -> float:
    """Train with both engines and return the largest difference of a weight."""
    random = np.random.default_rng(3)
    x = random.normal(size=(EXAMPLES, 13)).astype(np.float32)
    labels = random.integers(0, 5, (EXAMPLES, 1)).astype(np.int32)
    model = _model(optimizer, values)
    hyperparameters = Hyperparameters.model_validate(
        {"epochs": EPOCHS, "mini_batch_size": SIZE, "shuffle": True, "seed": SEED, **values}
    )
    run = TrainingRun(
        model, hyperparameters, Examples({"x": x, "labels": labels}, {}, EXAMPLES), None, report_batches=False
    )
    trained = JaxEngine(Switches(adam=adam or "eps_hat")).train(run, _Silent())
    assert isinstance(trained, dict)
    state, orders = first_state(EXAMPLES, SEED), []
    for _ in range(EPOCHS):
        state = shuffled(state)
        orders.append(state.order)
    initial = [array for layer in read(model).weights.values() for array in layer.values()]
    document = {"optimizer": optimizer, "values": {**values, "mini_batch_size": SIZE}, "adam": adam}
    np.savez(
        folder / "given.npz", x=x, labels=labels.reshape(-1), orders=np.array(orders), asked=json.dumps(document),
        **{f"weights{number}": array for number, array in enumerate(initial)},
    )  # fmt: skip
    subprocess.run([python, str(PEER), str(folder / "given.npz"), str(folder / "trained.npz")], check=True)
    ours = [array for layer in trained.values() for array in layer.values()]
    with np.load(folder / "trained.npz") as theirs:
        return max(float(np.abs(one - two).max()) for one, two in zip(ours, theirs.values(), strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", required=True, help="the Python that has PyTorch")
    python = parser.parse_args().peers
    largest = 0.0
    for optimizer, values, adam in CASES:
        with tempfile.TemporaryDirectory() as folder:
            distance = difference(python, optimizer, values, adam, Path(folder))
        print(
            f"{optimizer} {values}{f', {adam}' if adam else ''}: the largest difference of a weight is {distance:.1e}"
        )
        largest = max(largest, distance)
    sys.exit(largest > LIMIT)


if __name__ == "__main__":
    main()

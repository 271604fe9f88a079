"""Replays a training of a real Mac with each rule of `docs/semantics.md`, and prints the distance from its weights.

The rules for which the engine jax has switches are trained with a job: `pippin up`, upload, job, download. The other
rules are trained in NumPy. Exits with 1 if the default rules end farther than 1.0 from the Mac's weights, or if the
former rules, which Pippin had before this run was known, end nearer than 2.4.
"""

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from replayed_rules import EPOCHS, SIZE, Rule, replay
from running import running_pippin

from pippin.client import Client
from pippin.models.mlmodel import read

FILE = "housing-500-epochs.npz"
LAYERS = {"dense1": 64, "dense2": 32, "dense3": 1}
NEAR, FAR = 1.0, 2.4
DEFAULT = "libc++'s order, last mini-batch filled: the defaults"
FORMER = "Pippin's order, last mini-batch by its own size: the former rules"
SWITCHES: dict[str, dict[str, str]] = {
    DEFAULT: {},
    "libc++'s order, last mini-batch by its own size": {"PIPPIN_JAX_LAST_BATCH": "own_size"},
    "Pippin's order, last mini-batch filled": {"PIPPIN_JAX_ORDER": "pippin"},
    FORMER: {"PIPPIN_JAX_ORDER": "pippin", "PIPPIN_JAX_LAST_BATCH": "own_size"},
}
RULES = {
    "the defaults once more": Rule(),
    "last mini-batch dropped": Rule("dropped"),
    "last mini-batch's own examples, divided by the full size": Rule("full_divisor"),
    "last mini-batch filled from the one before it": Rule("filled_before"),
    "seed 2": Rule(seed=2),
    "another generator's orders": Rule(seed=None),
    "gradient 1.0 error / size": Rule(factor=1.0),
    "gradient 1.9 error / size": Rule(factor=1.9),
    "gradient 2.1 error / size": Rule(factor=2.1),
}
Arrays = dict[str, NDArray[np.float32]]


def arrays_of(run: Arrays, kind: str) -> list[NDArray[np.float32]]:
    """Weights and bias of each layer: `i` before the training, `t` after it."""
    return [run[f"{kind}{layer}{part}"] for layer in LAYERS for part in (0, 1)]


def distance(run: Arrays, weights: list[NDArray[np.float32]]) -> float:
    """The L2 norm of the difference from the weights that Core ML trained."""
    pairs = zip(weights, arrays_of(run, "t"), strict=True)
    return float(np.sqrt(sum(((one.astype(np.float64) - other) ** 2).sum() for one, other in pairs)))


def spec_of(run: Arrays) -> dict[str, Any]:
    """The model before the training on the Mac."""
    layers: list[dict[str, Any]] = []
    for layer, outputs in LAYERS.items():
        if layers:
            layers.append({"type": "relu", "name": f"before_{layer}"})
        weights = {"weights": run[f"i{layer}0"].tolist(), "bias": run[f"i{layer}1"].tolist()}
        layers.append(
            {"type": "inner_product", "name": layer, "output_channels": outputs, "updatable": True, **weights}
        )
    return {
        "inputs": [{"name": "x", "shape": [run["X"].shape[1]]}],
        "outputs": [{"name": "y", "shape": [1]}],
        "layers": layers,
        "loss": {"type": "mean_squared_error", "target": "target"},
        "optimizer": {"type": "sgd", "learning_rate": 0.001, "mini_batch_size": SIZE},
        "epochs": EPOCHS,
        "shuffle": True,
    }


def trained_by_a_job(run: Arrays, switches: dict[str, str]) -> list[NDArray[np.float32]]:
    """Train with a job and return the downloaded weights."""
    with tempfile.TemporaryDirectory() as folder, running_pippin(switches) as (url, _), Client(url) as client:
        examples = Path(folder) / "housing.npz"
        np.savez(examples, **{"train/x": run["X"], "train/target": run["Y"][:, None]})
        job = client.submit(
            {
                "model": {"spec": spec_of(run)},
                "dataset": client.add_dataset("housing", [examples]).id,
                "engine": "jax",
                "checkpoint": {"every_epochs": EPOCHS},
            }
        )
        job = client.wait(job.id)
        if job.reason is not None:
            sys.exit(f"the job failed: {job.reason.detail}")
        weights = read(client.download(job.id, folder).read_bytes()).weights
    return [weights[layer][key] for layer in LAYERS for key in ("weights", "bias")]


def main() -> None:
    """Print the distances; exit with 1 if the distance of the default or the former rules is outside its bound."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--from", dest="folder", type=Path, required=True, help=f"where {FILE} lies")
    path = parser.parse_args().folder / FILE
    try:
        with np.load(path) as file:
            run = {name: file[name] for name in file.files}
        initial = arrays_of(run, "i")
    except (OSError, ValueError, KeyError) as error:
        sys.exit(
            f"{path} cannot be read: {error}\nName its folder with: make replay MAC_RUN=folder; see docs/semantics.md"
        )
    distances = {}
    for rule, switches in SWITCHES.items():
        distances[rule] = distance(run, trained_by_a_job(run, switches))
        print(f"{distances[rule]:6.2f}  {rule}", flush=True)
    print("Trained in NumPy:")
    for name, numpy_rule in RULES.items():
        print(f"{distance(run, replay(run['X'], run['Y'], initial, numpy_rule)):6.2f}  {name}", flush=True)
    if distances[DEFAULT] > NEAR or distances[FORMER] < FAR:
        sys.exit(f"expected the defaults at {NEAR} or less, and the former rules at {FAR} or more")


if __name__ == "__main__":
    main()

"""Models in the spec language."""

from typing import Any

from pippin.models.spec import SpecError, resolve

DENSE: dict[str, Any] = {"type": "inner_product", "name": "dense", "output_channels": 3, "updatable": True}
SOFTMAX: dict[str, Any] = {"type": "softmax", "name": "softmax"}


def small_spec(**changes: object) -> dict[str, Any]:
    """A vector of four through one inner product to three classes, changed by the arguments; `...` takes one away."""
    document: dict[str, Any] = {
        "inputs": [{"name": "x", "shape": [4]}],
        "outputs": [{"name": "y", "shape": [3]}],
        "layers": [dict(DENSE), dict(SOFTMAX)],
        "loss": {"type": "categorical_cross_entropy"},
        "optimizer": {"type": "sgd", "learning_rate": 0.1, "mini_batch_size": 2},
        "epochs": 3,
    } | changes
    return {key: value for key, value in document.items() if value is not ...}


def faults_of(document: object) -> dict[str, str]:
    """The faults of a document, detail by pointer; empty when it is right."""
    try:
        resolve(document)
    except SpecError as error:
        return {fault.pointer: fault.detail for fault in error.faults}
    return {}

"""Models in the spec language."""

from collections.abc import Sequence
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


def classifier_spec(
    feature: str,
    shape: Sequence[int],
    output: str,
    classes: int,
    *,
    learning_rate: float = 0.1,
    mini_batch_size: int = 100,
    **members: object,
) -> dict[str, Any]:
    """A spec that classifies one feature; a feature of several axes is flattened first."""
    flat = [{"type": "flatten", "name": "flat"}] if len(shape) > 1 else []
    return {
        "inputs": [{"name": feature, "shape": list(shape)}],
        "outputs": [{"name": output, "shape": [classes]}],
        "layers": [
            *flat,
            {"type": "inner_product", "name": "dense", "output_channels": classes, "updatable": True},
            {"type": "softmax", "name": "softmax"},
        ],
        "loss": {"type": "categorical_cross_entropy"},
        "optimizer": {"type": "sgd", "learning_rate": learning_rate, "mini_batch_size": mini_batch_size},
        "epochs": 3,
    } | members


def digits_spec(**members: Any) -> dict[str, Any]:  # noqa: ANN401 - those of `classifier_spec`
    """A spec that classifies the packaged digits, `mnist-sample`."""
    return classifier_spec("image", [1, 28, 28], "digit", 10, **members)


def regression_spec(
    feature: str, size: int, output: str, *, learning_rate: float, mini_batch_size: int = 4, **members: object
) -> dict[str, Any]:
    """A spec that estimates one quantity from a feature of `size` numbers."""
    return {
        "inputs": [{"name": feature, "shape": [size]}],
        "outputs": [{"name": output, "shape": [1]}],
        "layers": [{"type": "inner_product", "name": "dense", "output_channels": 1, "updatable": True}],
        "loss": {"type": "mean_squared_error"},
        "optimizer": {"type": "sgd", "learning_rate": learning_rate, "mini_batch_size": mini_batch_size},
        "epochs": 2,
    } | members

"""Specs of networks with one layer; keywords replace members of the document."""

from collections.abc import Sequence
from typing import Any


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

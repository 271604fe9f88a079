"""The losses that training minimizes: one number per example."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from pippin.models.spec import ResolvedSpec
from pippin.network.arrays import Array, Namespace, to_channels_first, to_vectors
from pippin.network.layers.activations import log_softmax


def cross_entropy(logits: Array, target: Array, xp: Namespace) -> Array:
    """-log(softmax(logits)[target]): vectors and class indices [N, 1] -> [N] (`CategoricalCrossEntropyLossLayer`).

    It takes the softmax's input: the logarithm of the softmax's output is -inf as soon as a probability rounds to 0,
    where this function returns 2e4 for logits of +-1e4.
    """
    logits = to_vectors(logits)
    is_target = xp.arange(logits.shape[-1]) == target.reshape(-1, 1)
    return -xp.where(is_target, log_softmax(logits, xp), 0).sum(axis=-1)


def mean_squared_error(output: Array, target: Array, xp: Namespace) -> Array:
    """mean_k (output[k] - target[k])^2: two [N, ...] -> [N] (`MeanSquaredErrorLossLayer`, without a factor 1/2)."""
    return ((to_vectors(to_channels_first(output, xp)) - to_vectors(target)) ** 2).mean(axis=-1)


LOSSES: Mapping[str, Callable[[Array, Array, Namespace], Array]] = MappingProxyType(
    {"categorical_cross_entropy": cross_entropy, "mean_squared_error": mean_squared_error}
)
"""Loss type -> its function of the blob from `loss_blob`, in the layout between layers, and the declared target."""


def loss_blob(resolved: ResolvedSpec) -> str:
    """The blob that the loss's function takes: the loss's input, or for a cross-entropy the input of its softmax."""
    loss = resolved.spec.loss
    assert loss.input is not None
    if loss.type == "mean_squared_error":
        return loss.input
    return next(entry.inputs[0] for entry in resolved.layers if loss.input in entry.outputs)

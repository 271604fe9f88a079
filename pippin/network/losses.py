"""What training makes small: one number an example."""

from pippin.network.arrays import Array, Namespace
from pippin.network.softmax import log_softmax


def cross_entropy(logits: Array, target: Array, xp: Namespace) -> Array:
    """-log softmax(logits)[target]: logits [N, ..., C], target [N, 1] class indices -> [N] (`CategoricalCrossEntropyLossLayer`).

    It takes the softmax's input, not its output: -log of a probability that rounded to 0 would be infinite, where
    this gives 2e4 for logits of +-1e4.
    """
    logits = logits.reshape(logits.shape[0], logits.shape[-1])
    chosen = xp.arange(logits.shape[-1]) == target.reshape(-1, 1)
    return -xp.where(chosen, log_softmax(logits, xp), 0).sum(axis=-1)


def mean_squared_error(output: Array, target: Array) -> Array:
    """mean_k (output[k] - target[k])^2, both [N, ...] -> [N] (`MeanSquaredErrorLossLayer`; there is no 1/2 in it)."""
    return ((output - target) ** 2).reshape(output.shape[0], -1).mean(axis=-1)

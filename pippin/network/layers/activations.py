"""Activations: elementwise functions, and softmax."""

from pippin.models.spec.layers.activations import (
    ELU,
    Clip,
    LeakyReLU,
    Linear,
    ParametricSoftplus,
    PReLU,
    ReLU,
    ScaledTanh,
    Sigmoid,
    SigmoidHard,
    Softmax,
    Softplus,
    Softsign,
    Tanh,
    ThresholdedReLU,
)
from pippin.network.arrays import Array, Namespace
from pippin.network.step import Step


def relu(step: Step[ReLU], x: Array) -> Array:
    """Rectify: y = max(0, x) for each number, any shape (`ActivationReLU`).

    The gradient at 0 is 0, and NaN stays NaN so that diverging training is visible.
    """
    return step.xp.where(x <= 0, 0, x)


def leaky_relu(step: Step[LeakyReLU], x: Array) -> Array:
    """Rectify in part: y = x where x >= 0, else alpha * x, any shape (`ActivationLeakyReLU`, version 1)."""
    return step.xp.where(x >= 0, x, step.layer.alpha * x)


def prelu(step: Step[PReLU], x: Array) -> Array:
    """Rectify in part: y = x where x >= 0, else alpha[c] * x (`ActivationPReLU`, version 1).

    [N, ..., H, W, C] -> the same; alpha is [C], or [1] for all channels.
    """
    return step.xp.where(x >= 0, x, step.weights["alpha"] * x)


def elu(step: Step[ELU], x: Array) -> Array:
    """Rectify smoothly: y = x where x >= 0, else alpha * (exp(x) - 1), any shape (`ActivationELU`, version 1).

    Numbers above 0 are replaced before the exponential, because it and its gradient would overflow.
    """
    xp = step.xp
    return xp.where(x >= 0, x, step.layer.alpha * xp.expm1(xp.where(x >= 0, 0, x)))


def thresholded_relu(step: Step[ThresholdedReLU], x: Array) -> Array:
    """Rectify: y = x where x >= alpha, else 0, any shape (`ActivationThresholdedReLU`, version 1).

    NaN stays NaN so that diverging training is visible.
    """
    return step.xp.where(x < step.layer.alpha, 0, x)


def sigmoid(step: Step[Sigmoid], x: Array) -> Array:
    """Squash into (0, 1): y = 1 / (1 + exp(-x)) for each number, any shape (`ActivationSigmoid`).

    Computed as exp(-log(1 + exp(-x))): in the literal formula exp(-x) overflows and the gradient becomes inf/inf.
    """
    return step.xp.exp(-step.xp.logaddexp(0, -x))


def sigmoid_hard(step: Step[SigmoidHard], x: Array) -> Array:
    """Cut off: y = min(max(alpha * x + beta, 0), 1) for each number, any shape (`ActivationSigmoidHard`, version 1).

    The gradient is 0 where the line reaches 0 and 1, and NaN stays NaN.
    """
    line = step.layer.alpha * x + step.layer.beta
    return step.xp.where(line <= 0, 0, step.xp.where(line >= 1, 1, line))


def tanh(step: Step[Tanh], x: Array) -> Array:
    """Squash into (-1, 1), by the hyperbolic tangent of each number, any shape (`ActivationTanh`)."""
    return step.xp.tanh(x)


def scaled_tanh(step: Step[ScaledTanh], x: Array) -> Array:
    """Squash: y = alpha * tanh(beta * x) for each number, any shape (`ActivationScaledTanh`, version 1)."""
    return step.layer.alpha * step.xp.tanh(step.layer.beta * x)


def softplus(step: Step[Softplus], x: Array) -> Array:
    """Rectify smoothly: y = log(1 + exp(x)) for each number, any shape (`ActivationSoftplus`, version 1).

    Computed by `logaddexp`, which does not overflow.
    """
    return step.xp.logaddexp(0, x)


def parametric_softplus(step: Step[ParametricSoftplus], x: Array) -> Array:
    """Rectify smoothly: y = alpha[c] * log(1 + exp(beta[c] * x)) (`ActivationParametricSoftplus`, version 1).

    [N, ..., H, W, C] -> the same; alpha and beta are [C] each, or [1] for all channels.
    """
    return step.weights["alpha"] * step.xp.logaddexp(0, step.weights["beta"] * x)


def softsign(step: Step[Softsign], x: Array) -> Array:
    """Squash into (-1, 1): y = x / (1 + |x|) for each number, any shape (`ActivationSoftsign`, version 1)."""
    return x / (1 + step.xp.abs(x))


def linear(step: Step[Linear], x: Array) -> Array:
    """Map linearly: y = alpha * x + beta for each number, any shape (`ActivationLinear`, version 1)."""
    return step.layer.alpha * x + step.layer.beta


def clip(step: Step[Clip], x: Array) -> Array:
    """Clip: y = min(max(x, min_val), max_val) for each number, any shape (`ClipLayerParams`, version 4).

    The gradient at the limits is 0, and NaN stays NaN.
    """
    low, high, xp = step.layer.min_val, step.layer.max_val, step.xp
    return xp.where(x <= low, low, xp.where(x >= high, high, x))


def softmax(step: Step[Softmax], x: Array) -> Array:
    """Normalise over the channels: y[c] = exp(x[c]) / sum_k exp(x[k]), any shape (`SoftmaxLayerParams`, version 1).

    For a blob of rank 3 it is over the last axis; see `pippin.models.spec.layers.activations.Softmax`.
    """
    axis = -2 if x.ndim == 4 else -1
    exponentials = step.xp.exp(x - x.max(axis=axis, keepdims=True))
    return exponentials / exponentials.sum(axis=axis, keepdims=True)


def log_softmax(x: Array, xp: Namespace) -> Array:
    """log(softmax(x)): [N, C] -> [N, C], finite where x and the range of x are finite."""
    shifted = x - x.max(axis=-1, keepdims=True)
    return shifted - xp.log(xp.exp(shifted).sum(axis=-1, keepdims=True))

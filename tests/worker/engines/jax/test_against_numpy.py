"""The engine compared with an independent trainer in float64: loops and formulas derived by hand."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from pippin.models.mlmodel import read
from tests.worker.engines import lab
from tests.worker.engines.lab import SOFTMAX, Notes
from worker.engines.jax.engine import JaxEngine

Array = NDArray[np.float64]
VALUES = {
    "sgd": {"learning_rate": 0.05, "momentum": 0.9},
    "adam": {"learning_rate": 0.01, "beta1": 0.9, "beta2": 0.99, "eps": 1e-4},
}


class Convolution:
    def __init__(self, weights: Array, bias: Array) -> None:
        self.weights, self.bias = weights, bias

    def forward(self, x: Array) -> Array:
        self.x = x
        outputs, _, high, wide = self.weights.shape
        y = np.zeros((outputs, x.shape[1] - high + 1, x.shape[2] - wide + 1))
        for o, i, j in np.ndindex(*y.shape):
            y[o, i, j] = self.bias[o] + (self.weights[o] * x[:, i : i + high, j : j + wide]).sum()
        return y

    def backward(self, dy: Array) -> tuple[Array, list[Array]]:
        dx, dw = np.zeros_like(self.x), np.zeros_like(self.weights)
        _, _, high, wide = self.weights.shape
        for o, i, j in np.ndindex(*dy.shape):
            dw[o] += dy[o, i, j] * self.x[:, i : i + high, j : j + wide]
            dx[:, i : i + high, j : j + wide] += dy[o, i, j] * self.weights[o]
        return dx, [dw, dy.sum(axis=(1, 2))]


class Dense:
    def __init__(self, weights: Array, bias: Array) -> None:
        self.weights, self.bias = weights, bias

    def forward(self, x: Array) -> Array:
        self.x = x
        return self.weights @ x + self.bias

    def backward(self, dy: Array) -> tuple[Array, list[Array]]:
        return self.weights.T @ dy, [np.outer(dy, self.x), dy]


class Relu:
    def forward(self, x: Array) -> Array:
        self.x = x
        return np.where(x > 0, x, 0)

    def backward(self, dy: Array) -> tuple[Array, list[Array]]:
        return np.where(self.x > 0, dy, 0), []


class Tanh:
    def forward(self, x: Array) -> Array:
        self.y = np.tanh(x)
        return self.y

    def backward(self, dy: Array) -> tuple[Array, list[Array]]:
        return dy * (1 - self.y**2), []


class MaxPool:
    """Windows of 2 by 2, side by side; rows and columns that fill no window are left out."""

    def forward(self, x: Array) -> Array:
        self.x = x
        y = np.zeros((x.shape[0], x.shape[1] // 2, x.shape[2] // 2))
        for c, i, j in np.ndindex(*y.shape):
            y[c, i, j] = x[c, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2].max()
        return y

    def backward(self, dy: Array) -> tuple[Array, list[Array]]:
        dx = np.zeros_like(self.x)
        for c, i, j in np.ndindex(*dy.shape):
            first = int(self.x[c, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2].argmax())
            dx[c, 2 * i + first // 2, 2 * j + first % 2] += dy[c, i, j]
        return dx, []


class Flatten:
    """Channel last: the channels of a pixel stay together."""

    def forward(self, x: Array) -> Array:
        self.shape = x.shape
        return x.transpose(1, 2, 0).reshape(-1)

    def backward(self, dy: Array) -> tuple[Array, list[Array]]:
        channels, high, wide = self.shape
        return dy.reshape(high, wide, channels).transpose(2, 0, 1), []


def _cross_entropy(logits: Array, label: Array) -> tuple[float, Array]:
    shares = np.exp(logits - logits.max())
    shares /= shares.sum()
    right = int(label[0])
    return -float(np.log(shares[right])), shares - np.eye(len(shares))[right]


def _squared_error(outputs: Array, target: Array) -> tuple[float, Array]:
    return float(((outputs - target) ** 2).mean()), 2 * (outputs - target) / len(outputs)


class Sgd:
    def __init__(self) -> None:
        self.v: dict[int, Array] = {}

    def step(self, index: int, gradient: Array) -> Array:
        self.v[index] = 0.9 * self.v.get(index, np.zeros_like(gradient)) + 0.05 * gradient
        return self.v[index]


class Adam:
    def __init__(self) -> None:
        self.m: dict[int, Array] = {}
        self.v: dict[int, Array] = {}
        self.t: dict[int, int] = {}

    def step(self, index: int, gradient: Array) -> Array:
        nothing = np.zeros_like(gradient)
        self.t[index] = t = self.t.get(index, 0) + 1
        self.m[index] = 0.9 * self.m.get(index, nothing) + (1 - 0.9) * gradient
        self.v[index] = 0.99 * self.v.get(index, nothing) + (1 - 0.99) * gradient**2
        rate = 0.01 * np.sqrt(1 - 0.99**t) / (1 - 0.9**t)
        return rate * self.m[index] / (np.sqrt(self.v[index]) + 1e-4)


def _train(
    layers: list[Any],
    loss: Callable[[Array, Array], tuple[float, Array]],
    optimizer: Sgd | Adam,
    data: tuple[Array, Array],
    epochs: int,
) -> list[float]:
    """Train in mini-batches of 4, in the order given; the mean loss of each epoch.

    The last mini-batch is filled up with the first examples, which do not count in the epoch's loss.
    """
    x, target = data
    means = []
    for _ in range(epochs):
        total = 0.0
        for start in range(0, len(x), 4):
            gradients: list[Array] = []
            for place in range(start, start + 4):
                row = place % len(x)
                y = x[row]
                for layer in layers:
                    y = layer.forward(y)
                value, slope = loss(y, target[row])
                total += value if place < len(x) else 0
                mine: list[Array] = []
                for layer in reversed(layers):
                    slope, own = layer.backward(slope)
                    mine = own + mine
                gradients = [a + b for a, b in zip(gradients, mine, strict=True)] if gradients else mine
            weighted = [layer for layer in layers if hasattr(layer, "weights")]
            arrays = [array for layer in weighted for array in (layer.weights, layer.bias)]
            for index, (array, gradient) in enumerate(zip(arrays, gradients, strict=True)):
                np.subtract(array, optimizer.step(index, gradient / 4), out=array)
        means.append(total / len(x))
    return means


def _assert_matches(
    file: bytes,
    optimizer: str,
    *,
    layers: Callable[[dict[str, Any]], list[Any]],
    loss: Callable[[Array, Array], tuple[float, Array]],
    x: NDArray[np.float32],
    target: NDArray[Any],
) -> None:
    """The engine's losses and weights are those of the reference's layers, which are made of the file's weights."""
    weights = {name: {k: np.float64(a) for k, a in arrays.items()} for name, arrays in read(file).weights.items()}
    reference = {"sgd": Sgd, "adam": Adam}[optimizer]()
    expected = _train(layers(weights), loss, reference, (np.float64(x), np.float64(target)), epochs=3)

    notes = Notes()
    run = lab.run(file, lab.examples(x=x, y_true=target), epochs=3, **VALUES[optimizer])
    trained = JaxEngine().train(run, notes)
    assert [result.loss for result in notes.results] == pytest.approx(expected, abs=1e-5)
    lab.assert_close(trained, weights, 1e-5)


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_convolutional_classifier_matches_numpy(optimizer: str) -> None:
    file = lab.model(
        [
            {"type": "convolution", "name": "conv", "output_channels": 3, "kernel_size": [2, 3], "updatable": True},
            {"type": "relu", "name": "rectified"},
            {"type": "pooling", "name": "pooled", "pooling_type": "max", "kernel_size": [2, 2], "stride": [2, 2]},
            {"type": "flatten", "name": "flat"},
            lab.dense("hidden", 5),
            {"type": "relu", "name": "rectified again"},
            lab.dense("out", 4),
            SOFTMAX,
        ],
        shape=[2, 7, 8],
        outputs=4,
        optimizer=lab.optimizer(optimizer, **VALUES[optimizer]),
    )

    def layers(weights: dict[str, Any]) -> list[Any]:
        conv, hidden, out = Convolution(**weights["conv"]), Dense(**weights["hidden"]), Dense(**weights["out"])
        return [conv, Relu(), MaxPool(), Flatten(), hidden, Relu(), out]

    random = np.random.default_rng(8)
    # 10 examples make mini-batches of 4, 4 and 2.
    x, labels = random.normal(size=(10, 2, 7, 8)).astype(np.float32), random.integers(0, 4, (10, 1))
    _assert_matches(file, optimizer, layers=layers, loss=_cross_entropy, x=x, target=labels)


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_regression_with_several_outputs_matches_numpy(optimizer: str) -> None:
    file = lab.model(
        [lab.dense("hidden", 6), {"type": "tanh", "name": "bend"}, lab.dense("out", 3)],
        shape=[5],
        outputs=3,
        loss="mean_squared_error",
        optimizer=lab.optimizer(optimizer, **VALUES[optimizer]),
    )

    def layers(weights: dict[str, Any]) -> list[Any]:
        return [Dense(**weights["hidden"]), Tanh(), Dense(**weights["out"])]

    random = np.random.default_rng(9)
    x, target = random.normal(size=(7, 5)).astype(np.float32), random.normal(size=(7, 3)).astype(np.float32)
    _assert_matches(file, optimizer, layers=layers, loss=_squared_error, x=x, target=target)

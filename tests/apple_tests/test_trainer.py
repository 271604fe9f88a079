from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.apple_tests import small

RATE, EPS = 0.1, 1e-3


def _activation(network: Any, kind: str, source: str, output: str) -> None:
    layer = network.layers.add(name=output, input=[source], output=[output])
    params = getattr(layer.activation, kind)
    params.SetInParent()
    for name in ("alpha", "beta"):
        if name in params.DESCRIPTOR.fields_by_name:
            setattr(params, name, 0.3)


def _pool(network: Any, kind: int, source: str, output: str) -> Any:
    params = network.layers.add(name=output, input=[source], output=[output]).pooling
    params.type = kind
    params.kernelSize[:] = params.stride[:] = [2, 2]
    params.valid.SetInParent()
    return params


def _convolutional(change: Any) -> Any:
    """[2, 5, 6] through a trained convolution, the layers that `change` adds, and a trained inner product."""
    rng = np.random.default_rng(1)
    model = small.new_model([2, 5, 6], 3)
    network = model.neuralNetwork
    params = small.convolution(network, "conv", "x", "c", rng.normal(size=(4, 2, 2, 3)))
    change(network, params, "c")
    network.layers.add(name="flat", input=["h"], output=["f"]).flatten.mode = 1
    return small.with_sgd(model)


def _finished(apple: SimpleNamespace, model: Any) -> Any:
    """The model with an inner product as large as what it is fed with, and a loss."""
    network = apple.inside("network").Network(model)
    shape = dict.fromkeys(["x"], np.zeros((1, *model.description.input[0].type.multiArrayType.shape)))
    width = network.forward(apple.inside("network").weights_of(model), shape)[0]["f"].shape[1]
    weights = np.random.default_rng(2).normal(size=(3, width)) / 4
    small.dense(model.neuralNetwork, "dense", "f", "logits", weights)
    return small.classifying(model, "logits")


def _plain(network: Any, _params: Any, source: str) -> None:
    _activation(network, "tanh", source, "h")


def _same_strided_dilated(network: Any, params: Any, source: str) -> None:
    params.same.SetInParent()
    params.stride[:] = [2, 1]
    params.dilationFactor[:] = [1, 2]
    _plain(network, params, source)


def _padded(network: Any, params: Any, source: str) -> None:
    for start, end in ((1, 0), (2, 1)):
        params.valid.paddingAmounts.borderAmounts.add(startEdgeSize=start, endEdgeSize=end)
    _plain(network, params, source)


def _pooled(kind: int, padding: str) -> Any:
    def change(network: Any, _params: Any, source: str) -> None:
        params = _pool(network, kind, source, "h")
        if padding == "same":
            params.same.SetInParent()
        if padding == "last":
            params.includeLastPixel.paddingAmounts[:] = [1, 1]
        params.avgPoolExcludePadding = padding == "last"

    return change


def _branches(network: Any, _params: Any, source: str) -> None:
    _activation(network, "sigmoid", source, "one")
    network.layers.add(name="add", input=["one", source], output=["sum"]).add.SetInParent()
    network.layers.add(name="concat", input=["sum", source], output=["h"]).concat.SetInParent()


def _active(kind: str) -> Any:
    def change(network: Any, _params: Any, source: str) -> None:
        _activation(network, kind, source, "h")

    return change


CASES = {
    "plain": _plain,
    "same, strided, dilated": _same_strided_dilated,
    "padded": _padded,
    "branches": _branches,
    **{f"pool {kind} {padding}": _pooled(kind, padding) for kind in (0, 1) for padding in ("valid", "same", "last")},
    **{
        kind: _active(kind)
        for kind in ("ReLU", "leakyReLU", "ELU", "linear", "scaledTanh", "sigmoidHard", "softsign", "softplus")
    },
}


@pytest.mark.parametrize("case", CASES)
def test_gradients_match_finite_differences(apple: SimpleNamespace, case: str) -> None:
    arithmetic, networks = apple.inside("arithmetic"), apple.inside("network")
    model = _finished(apple, _convolutional(CASES[case]))
    network, weights = networks.Network(model), networks.weights_of(model)
    rng = np.random.default_rng(3)
    inputs, labels = {"x": rng.normal(size=(4, 2, 5, 6))}, np.array([0, 1, 2, 1])

    def loss() -> float:
        blobs, _ = network.forward(weights, inputs)
        return float(arithmetic.cross_entropy(blobs["logits"], labels)[0].mean())

    blobs, backs = network.forward(weights, inputs)
    gradients = network.backward(backs, {"logits": arithmetic.cross_entropy(blobs["logits"], labels)[1]})
    for layer, arrays in weights.items():
        for part, values in arrays.items():
            for at in rng.integers(values.size, size=4):
                place = np.unravel_index(at, values.shape)
                kept, losses = values[place], []
                for side in (1, -1):
                    values[place] = kept + side * 1e-6
                    losses.append(loss())
                values[place] = kept
                slope = (losses[0] - losses[1]) / 2e-6
                assert gradients[layer][part][place] == pytest.approx(slope, abs=1e-7, rel=1e-5)


@pytest.mark.parametrize(("form", "factor"), [("mean", 0.25), ("half_mean", 0.125), ("sum", 1.0), ("half_sum", 0.5)])
def test_squared_error_has_the_configured_factor(
    apple: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, form: str, factor: float
) -> None:
    monkeypatch.setenv("APPLE_STANDIN_MSE", form)
    outputs, targets = np.full((3, 4, 1, 1), 3.0), np.full((3, 4), 1.0)
    losses, gradient = apple.inside("arithmetic").mean_squared_error(outputs, targets)
    assert losses == pytest.approx(np.full(3, 16 * factor))
    assert gradient == pytest.approx(np.full((3, 4, 1, 1), 4 * factor / 3))


@pytest.mark.parametrize("form", ["lr_inside", "lr_outside"])
def test_momentum_has_the_configured_form(apple: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    monkeypatch.setenv("APPLE_STANDIN_MOMENTUM", form)
    optimizer, weights = apple.inside("arithmetic").SGD(), {"a": {"weights": np.array([1.0])}}
    for rate in (0.1, 0.01):
        values = {"learningRate": rate, "momentum": 0.5}
        weights = optimizer.step(weights, {"a": {"weights": np.array([2.0])}}, values)
    # v is .2, then .1 + .02; or 2, then 1 + 2, times .01.
    assert weights["a"]["weights"][0] == pytest.approx(1 - 0.2 - (0.12 if form == "lr_inside" else 0.03))


@pytest.mark.parametrize("form", ["eps_outside", "eps_hat"])
def test_adam_has_the_configured_form(apple: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    monkeypatch.setenv("APPLE_STANDIN_ADAM", form)
    optimizer, weights = apple.inside("arithmetic").Adam(), {"a": {"weights": np.array([1.0])}}
    values = {"learningRate": RATE, "beta1": 0.9, "beta2": 0.99, "eps": EPS}
    weights = optimizer.step(weights, {"a": {"weights": np.array([0.002])}}, values)
    # After one step m/(1 - beta1) is g and v/(1 - beta2) is g²: with eps beside √v, it counts 1/√(1 - beta2) times.
    eps = EPS if form == "eps_outside" else EPS / np.sqrt(0.01)
    assert weights["a"]["weights"][0] == pytest.approx(1 - RATE * 0.002 / (0.002 + eps))


@pytest.mark.parametrize(("form", "value"), [("examples", 2.0), ("batches", 2.5), ("last", 4.0)])
def test_epoch_loss_is_the_configured_one(
    apple: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, form: str, value: float
) -> None:
    monkeypatch.setenv("APPLE_STANDIN_LOSS_VALUE", form)
    # The last mini-batch has one example of its own, of loss 5, and two that fill it up.
    assert apple.inside("training")._loss_value([1.0, 4.0], [1.0, 0.5, 1.5, 5.0]) == pytest.approx(value)


@pytest.mark.parametrize(
    ("form", "batches"),
    [
        ("filled", [([5, 3, 1, 0], 4), ([2, 4, 5, 3], 2)]),
        ("own_size", [([5, 3, 1, 0], 4), ([2, 4], 2)]),
        ("dropped", [([5, 3, 1, 0], 4)]),
    ],
)
def test_last_batch_is_filled_used_or_dropped(
    apple: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, form: str, batches: list[tuple[list[int], int]]
) -> None:
    monkeypatch.setenv("APPLE_STANDIN_LAST_BATCH", form)
    training = apple.inside("training").Training(small.classifier(), {"miniBatchSize": 4}, {})
    found = training._batches(np.array([5, 3, 1, 0, 2, 4]))
    assert [(rows.tolist(), own) for rows, own in found] == batches


def test_batch_larger_than_the_data_repeats_the_data(apple: SimpleNamespace) -> None:
    training = apple.inside("training").Training(small.classifier(), {"miniBatchSize": 8}, {})
    ((rows, own),) = training._batches(np.array([2, 0, 1]))
    assert rows.tolist() == [2, 0, 1, 2, 0, 1, 2, 0]
    assert own == 3


def test_order_matches_libcxx_over_epochs(apple: SimpleNamespace) -> None:
    # Printed by a program in C++ that was linked with libc++ 14; Apple's result_type has 32 bits.
    for seed, first, second in (
        (0, [6, 2, 7, 1, 4, 3, 0, 5], [6, 1, 4, 3, 7, 2, 0, 5]),
        (-3, [7, 5, 2, 4, 1, 6, 0, 3], [4, 1, 6, 5, 2, 0, 7, 3]),
    ):
        orders = apple.inside("shuffling").Orders(8, seed)
        assert [orders.next().tolist(), orders.next().tolist()] == [first, second]


def test_switch_order_other_gives_another_order(apple: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APPLE_STANDIN_ORDER", "other")
    orders = apple.inside("shuffling").Orders(8, 0)
    assert orders.next().tolist() != [6, 2, 7, 1, 4, 3, 0, 5]

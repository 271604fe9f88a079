"""Training, a mini-batch at a time: the order of examples, the loss, the step, and what is reported when."""

from collections.abc import Callable
from typing import Any

import numpy as np

from apple_standin.arithmetic import SGD, Adam, cross_entropy, mean_squared_error
from apple_standin.errors import CoreMLError
from apple_standin.examples import count_of, example_at, inputs_of, targets_of
from apple_standin.knobs import knob
from apple_standin.network import Network, Weights, weights_of
from apple_standin.proto import network_of
from apple_standin.shuffling import Orders

BEGIN, EPOCH_END, MINI_BATCH_END = 1, 2, 4

Report = Callable[[int, dict[str, Any]], bool]
"""Called with an event and its metrics; says whether to go on."""


def check_runs(model: Any) -> None:
    """What the compiler lets pass and the run does not."""
    network = network_of(model)
    after_trained: set[str] = set()
    for layer in network.layers:
        kind = layer.WhichOneof("layer")
        if kind in ("uniDirectionalLSTM", "biDirectionalLSTM"):
            raise CoreMLError("Update", f"layer {layer.name!r}: a model that contains an LSTM cannot be updated")
        reached = bool(after_trained.intersection(layer.input))
        if kind == "batchnorm" and reached:
            raise CoreMLError(
                "Update", f"layer {layer.name!r}: gradient of an inference mode batchnorm is not supported"
            )
        if reached or layer.isUpdatable:
            after_trained.update(layer.output)


class Training:
    """The state of one task: the weights change by replacement, so that each reference is a snapshot."""

    def __init__(self, model: Any, values: dict[str, Any], arrays: dict[tuple[str, str], Any]) -> None:
        self.model, self.values = model, values
        self.weights: Weights = weights_of(model)
        for (layer, part), array in arrays.items():
            self.weights[layer][part] = array.astype(np.float64)
        self._network = Network(model)
        update = network_of(model).updateParams
        if len(update.lossLayers) != 1:
            raise CoreMLError("Update", f"the model has {len(update.lossLayers)} loss layers")
        self._loss_kind = update.lossLayers[0].WhichOneof("LossLayerType")
        self._loss = getattr(update.lossLayers[0], self._loss_kind)
        adam = update.optimizer.WhichOneof("OptimizerType") == "adamOptimizer"
        self._optimizer: SGD | Adam = Adam() if adam else SGD()

    def _gradients(self, examples: list[Any]) -> tuple[Any, Weights]:
        blobs, backs = self._network.forward(self.weights, inputs_of(self.model, examples))
        targets = targets_of(self.model, self._loss.target, examples)
        if self._loss_kind == "meanSquaredErrorLossLayer":
            losses, gradient = mean_squared_error(blobs[self._loss.input], targets)
            return losses, self._network.backward(backs, {self._loss.input: gradient})
        logits = self._logits()
        classes = blobs[logits].shape[1]
        if targets.min() < 0 or targets.max() >= classes:
            raise CoreMLError(
                "Update", f"a target is none of the {classes} classes: {targets.min()} to {targets.max()}"
            )
        losses, gradient = cross_entropy(blobs[logits], targets)
        return losses, self._network.backward(backs, {logits: gradient})

    def _logits(self) -> str:
        for layer in self._network.layers:
            if layer.WhichOneof("layer") == "softmax" and self._loss.input in layer.output:
                return str(layer.input[0])
        raise CoreMLError("Update", f"the loss's input {self._loss.input!r} is no output of a softmax")

    def _batches(self, order: Any) -> list[tuple[Any, int]]:
        """The rows of each mini-batch, and how many of the first of them are its own: others fill it up."""
        form, size = knob("LAST_BATCH"), int(self.values["miniBatchSize"])
        batches = []
        for start in range(0, len(order), size):
            rows = order[start : start + size]
            own = len(rows)
            if form == "filled":
                while len(rows) < size:
                    rows = np.concatenate([rows, order[: size - len(rows)]])
            batches.append((rows, own))
        if form == "dropped" and len(batches) > 1 and batches[-1][1] < size:
            batches.pop()
        return batches

    def run(self, data: Callable[[], Any], report: Report) -> bool:
        """Trains to the end and says so; False where `report` ended it.

        Raises:
            CoreMLError: An example does not fit the model.
        """
        check_runs(self.model)
        count = count_of(data())
        if count < 1:
            raise CoreMLError("Update", "there are no training examples")
        targets_of(self.model, self._loss.target, [example_at(data(), 0)])
        if not report(BEGIN, {}):
            return False
        orders = Orders(count, int(self.values.get("seed", 0)))
        for epoch in range(int(self.values["epochs"])):
            order = orders.next() if self.values.get("shuffle", False) else np.arange(count)
            losses, own_losses = [], []
            for index, (batch, own) in enumerate(self._batches(order)):
                examples = [example_at(data(), int(at)) for at in batch]
                of_batch, gradients = self._gradients(examples)
                self.weights = self._optimizer.step(self.weights, gradients, self.values)
                losses.append(float(of_batch.mean()))
                own_losses += of_batch[:own].tolist()
                if not report(MINI_BATCH_END, {"lossValue": losses[-1], "epochIndex": epoch, "miniBatchIndex": index}):
                    return False
            if not report(EPOCH_END, {"lossValue": _loss_value(losses, own_losses), "epochIndex": epoch}):
                return False
        return True


def _loss_value(losses: list[float], own_losses: list[float]) -> float:
    """The loss of an epoch, from those of its mini-batches and from those of its examples, each of them once."""
    form = knob("LOSS_VALUE")
    if form == "last":
        return losses[-1]
    return float(np.mean(own_losses if form == "examples" else losses))

"""Small models for the stand-in's tests."""

from typing import Any

import numpy as np
from coremltools.proto import FeatureTypes_pb2, Model_pb2

FLOAT32, INT32 = FeatureTypes_pb2.ArrayFeatureType.FLOAT32, FeatureTypes_pb2.ArrayFeatureType.INT32


def _feature(features: Any, name: str, shape: list[int], data_type: int) -> None:
    added = features.add(name=name)
    added.type.multiArrayType.shape[:] = shape
    added.type.multiArrayType.dataType = data_type


def dense(network: Any, name: str, source: str, output: str, weights: Any, *, trained: bool = True) -> None:
    """An inner product with a bias of zeros."""
    layer = network.layers.add(name=name, input=[source], output=[output], isUpdatable=trained)
    params = layer.innerProduct
    params.outputChannels, params.inputChannels = weights.shape
    params.hasBias = True
    params.weights.floatValue[:] = weights.reshape(-1).tolist()
    params.bias.floatValue[:] = [0.0] * len(weights)
    params.weights.isUpdatable = params.bias.isUpdatable = trained


def convolution(network: Any, name: str, source: str, output: str, weights: Any) -> Any:
    """A trained convolution with valid padding; returns its parameters."""
    layer = network.layers.add(name=name, input=[source], output=[output], isUpdatable=True)
    params = layer.convolution
    params.outputChannels, params.kernelChannels = weights.shape[:2]
    params.kernelSize[:] = weights.shape[2:]
    params.hasBias = True
    params.valid.SetInParent()
    params.weights.floatValue[:] = weights.reshape(-1).tolist()
    params.bias.floatValue[:] = [0.0] * len(weights)
    params.weights.isUpdatable = params.bias.isUpdatable = True
    return params


def new_model(inputs: list[int], outputs: int) -> Any:
    """A model without layers, whose input is `x` and whose output is `y`."""
    model = Model_pb2.Model(specificationVersion=4, isUpdatable=True)
    _feature(model.description.input, "x", inputs, FLOAT32)
    _feature(model.description.output, "y", [outputs], FLOAT32)
    _feature(model.description.trainingInput, "x", inputs, FLOAT32)
    update = model.neuralNetwork.updateParams
    update.epochs.defaultValue = 2
    update.epochs.range.minValue, update.epochs.range.maxValue = 1, 100
    update.shuffle.SetInParent()
    return model


def with_sgd(model: Any, rate: float = 0.1, momentum: float = 0.0, batch: int = 4) -> Any:
    """The model with SGD, a rate of 0 to 1 and mini-batches of one size."""
    sgd = model.neuralNetwork.updateParams.optimizer.sgdOptimizer
    sgd.learningRate.defaultValue, sgd.momentum.defaultValue, sgd.miniBatchSize.defaultValue = rate, momentum, batch
    sgd.learningRate.range.minValue, sgd.learningRate.range.maxValue = 0.0, 1.0
    sgd.miniBatchSize.set.values[:] = [batch]
    return model


def classifying(model: Any, source: str, target: tuple[list[int], int] = ([1], INT32)) -> Any:
    """The model with a softmax of `source` as its output, cross-entropy, and a target of this shape and type."""
    network = model.neuralNetwork
    network.layers.add(name="softmax", input=[source], output=["y"]).softmax.SetInParent()
    loss = network.updateParams.lossLayers.add(name="loss").categoricalCrossEntropyLossLayer
    loss.input, loss.target = "y", "t"
    _feature(model.description.trainingInput, "t", *target)
    return model


def regressing(model: Any, outputs: int) -> Any:
    """The model with a mean squared error of `y`."""
    loss = model.neuralNetwork.updateParams.lossLayers.add(name="loss").meanSquaredErrorLossLayer
    loss.input, loss.target = "y", "t"
    _feature(model.description.trainingInput, "t", [outputs], FLOAT32)
    return model


def classifier(**sgd: Any) -> Any:
    """Three numbers, one trained inner product, two classes."""
    model = new_model([3], 2)
    dense(model.neuralNetwork, "dense", "x", "logits", np.arange(6.0).reshape(2, 3) / 10)
    return with_sgd(classifying(model, "logits"), **sgd)

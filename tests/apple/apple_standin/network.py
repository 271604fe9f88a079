"""A network read from a model: its weights, its values for a batch, and the gradients of its trained weights."""

from math import prod
from typing import Any

import numpy as np

from apple_standin.errors import CoreMLError
from apple_standin.layers import LAYERS
from apple_standin.proto import network_of

Weights = dict[str, dict[str, Any]]
"""By layer, "weights" and "biases"."""

_BGR = 30
"""ImageFeatureType.BGR."""


def _numbers(message: Any, shape: tuple[int, ...]) -> Any:
    halves = np.frombuffer(message.float16Value, dtype="<f2")
    numbers = np.asarray(message.floatValue if not len(halves) else halves, dtype=np.float64)
    if numbers.size != prod(shape):
        raise CoreMLError("Generic", f"{numbers.size} numbers stand where weights of the shape {shape} are declared")
    return numbers.reshape(shape)


def weights_of(model: Any) -> Weights:
    """The weights of every layer that has some, in float64."""
    found: Weights = {}
    for layer in network_of(model).layers:
        kind = layer.WhichOneof("layer")
        if kind == "convolution":
            params = layer.convolution
            kernel = tuple(int(k) for k in params.kernelSize) or (3, 3)
            shape: tuple[int, ...] = (int(params.outputChannels), int(params.kernelChannels), *kernel)
        elif kind == "innerProduct":
            params = layer.innerProduct
            shape = (int(params.outputChannels), int(params.inputChannels))
        else:
            continue
        found[layer.name] = {"weights": _numbers(params.weights, shape)}
        if params.hasBias:
            found[layer.name]["biases"] = _numbers(params.bias, shape[:1])
    return found


def trained_layers(model: Any) -> list[str]:
    """The names of the updatable layers."""
    return [layer.name for layer in network_of(model).layers if layer.isUpdatable]


def _preprocessed(model: Any, feature: Any, x: Any) -> Any:
    """The scaler's biases go by colour, and the planes by the declared order of colours."""
    name, backwards = feature.name, feature.type.imageType.colorSpace == _BGR
    for step in network_of(model).preprocessing:
        if step.featureName in ("", name) and step.WhichOneof("preprocessor") == "scaler":
            scaler = step.scaler
            colors = [scaler.redBias, scaler.greenBias, scaler.blueBias][:: -1 if backwards else 1]
            biases = [scaler.grayBias] if x.shape[1] == 1 else colors
            x = x * (scaler.channelScale or 1.0) + np.asarray(biases)[:, None, None]
        elif step.featureName in ("", name):
            raise CoreMLError("Generic", "the stand-in knows no mean image")
    return x


class Network:
    """The layers in the file's order, which is that of computing. Numbers that are none any more raise nothing."""

    def __init__(self, model: Any) -> None:
        self.model, self.layers = model, list(network_of(model).layers)
        self.trained = set(trained_layers(model))
        self._images = {
            feature.name: feature
            for feature in model.description.input
            if feature.type.WhichOneof("Type") == "imageType"
        }

    @np.errstate(all="ignore")
    def forward(self, weights: Weights, inputs: dict[str, Any]) -> tuple[dict[str, Any], list[Any]]:
        """Every blob for a batch, and the functions that lead the gradients back."""
        blobs = {
            name: _preprocessed(self.model, self._images[name], x) if name in self._images else x
            for name, x in inputs.items()
        }
        backs = []
        for layer in self.layers:
            kind = layer.WhichOneof("layer")
            if kind not in LAYERS:
                raise CoreMLError("Generic", f"layer {layer.name!r}: the stand-in knows no {kind}")
            xs = [blobs[name] for name in layer.input]
            outputs, back = LAYERS[kind](getattr(layer, kind), xs, weights.get(layer.name, {}))
            blobs.update(zip(layer.output, outputs, strict=True))
            backs.append(back)
        return blobs, backs

    @np.errstate(all="ignore")
    def backward(self, backs: list[Any], gradients: dict[str, Any]) -> Weights:
        """From the gradients of some blobs those of the trained weights. The layers below the lowest are left alone."""
        wanted: set[str] = set()
        reaches = []
        for layer in self.layers:
            reaches.append(bool(wanted.intersection(layer.input)))
            if reaches[-1] or layer.name in self.trained:
                wanted.update(layer.output)
        found: Weights = {}
        for layer, back, to_input in reversed(list(zip(self.layers, backs, reaches, strict=True))):
            if not (to_input or layer.name in self.trained) or layer.output[0] not in gradients:
                continue
            dxs, of_weights = back([gradients[name] for name in layer.output], to_input=to_input)
            if layer.name in self.trained:
                found[layer.name] = of_weights
            if to_input:
                for name, dx in zip(layer.input, dxs, strict=True):
                    gradients[name] = gradients[name] + dx if name in gradients else dx
        return found

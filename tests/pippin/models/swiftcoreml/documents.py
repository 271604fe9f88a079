"""Documents as SwiftCoreMLTools' Codable writes them."""

from typing import Any

Document = dict[str, Any]


def dense(changes: dict[str, object] | None = None) -> Document:
    """The library's own test model, a single inner product trained by SGD, with `changes` by dotted path.

    A path such as `neuralNetwork.layers.0.base.bias` names what is changed; `...` takes it away.
    """
    document: Document = {
        "version": 4,
        "shortDescription": "Trivial linear classifier",
        "author": "Jacopo Mangiavacchi",
        "license": "MIT",
        "userDefined": {"SwiftCoremltoolsVersion": "0.1"},
        "inputs": {"dense_input": {"name": "dense_input", "shape": [1], "featureType": "float"}},
        "outputs": {"output": {"name": "output", "shape": [1], "featureType": "float"}},
        "trainingInputs": {
            "output_true": {"name": "output_true", "shape": [1], "featureType": "float"},
            "dense_input": {"name": "dense_input", "shape": [1], "featureType": "float"},
        },
        "neuralNetwork": {
            "losses": [{"type": "mse", "base": {"name": "lossLayer", "input": "output", "target": "output_true"}}],
            "optimizer": {
                "type": "sgd",
                "base": {
                    "learningRateDefault": 0.01,
                    "learningRateMax": 0.3,
                    "miniBatchSizeDefault": 5,
                    "miniBatchSizeRange": [5],
                    "momentumDefault": 0,
                    "momentumMax": 1,
                },
            },
            "epochDefault": 2,
            "epochSet": [2],
            "shuffle": True,
            "layers": [
                {
                    "type": "innerProduct",
                    "base": {
                        "name": "layer1",
                        "input": ["dense_input"],
                        "output": ["output"],
                        "weight": [0],
                        "bias": [0],
                        "inputChannels": 1,
                        "outputChannels": 1,
                        "updatable": True,
                    },
                }
            ],
        },
    }
    for path, value in (changes or {}).items():
        _put(document, path, value)
    return document


def _put(document: Any, path: str, value: object) -> None:  # noqa: ANN401 - a JSON value
    *way, last = path.split(".")
    for part in way:
        document = document[int(part) if isinstance(document, list) else part]
    key = int(last) if isinstance(document, list) else last
    if value is ...:
        del document[key]
    else:
        document[key] = value

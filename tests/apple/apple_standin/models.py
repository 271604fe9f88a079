"""MLModel and its configuration and description."""

import tempfile
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from apple_standin import compiled
from apple_standin.bridge import class_method, method
from apple_standin.errors import CoreMLError, fail_if_asked, reporting_errors
from apple_standin.examples import count_of, example_at, inputs_of, labels_of
from apple_standin.faults import Fault
from apple_standin.features import (
    MLArrayBatchProvider,
    MLDictionaryFeatureProvider,
    MLFeatureValue,
    dictionary_value,
    is_batch,
    is_example,
)
from apple_standin.keys import MLParameterKey
from apple_standin.knobs import fails, knob
from apple_standin.multi_array import DTYPES, made_from
from apple_standin.names import declared
from apple_standin.network import Network, Weights, weights_of
from apple_standin.objects import NSURL, NSDictionary, NSObject, is_int, number, text
from apple_standin.parameters import WEIGHTS, defaults, is_parameters
from apple_standin.proto import network_of, parse


def is_url(value: object) -> bool:
    return isinstance(value, NSURL)


class MLModelConfiguration(NSObject):
    __slots__ = ("_compute_units", "_parameters")
    _parameters: dict[Any, Any] | None

    @method()
    def init(self) -> Any:
        if fails("configuration"):
            return None
        self._compute_units, self._parameters, self._initialised = declared()["enums"]["MLComputeUnitsAll"], None, True
        return self

    @method()
    def computeUnits(self) -> int:
        return int(self._compute_units)

    @method(lambda value: is_int(value) and value in range(4))
    def setComputeUnits_(self, value: int) -> None:
        self._compute_units = int(value)

    @method()
    def parameters(self) -> Any:
        return None if self._parameters is None else NSDictionary._made(items=dict(self._parameters))

    @method(lambda value: value is None or is_parameters(value))
    def setParameters_(self, value: Any) -> None:
        self._parameters = None if value is None else dict(value.items())


class MLModelDescription(NSObject):
    __slots__ = ("_model",)

    @method()
    def isUpdatable(self) -> bool:
        return bool(self._model.isUpdatable)

    @method()
    def predictedFeatureName(self) -> Any:
        return text(self._model.description.predictedFeatureName) or None


def is_configuration(value: object) -> bool:
    return isinstance(value, MLModelConfiguration)


class MLModel(NSObject):
    __slots__ = ("_configuration", "_lapsed", "_model", "_weights")

    @class_method(is_url)
    @reporting_errors()
    def compileModelAtURL_error_(cls, url: Any) -> Any:
        fail_if_asked("compile", "Generic")
        model = parse(_content(url._where))
        where = Path(tempfile.mkdtemp(prefix="coreml-")) / f"{url._where.stem}.mlmodelc"
        compiled.write(where, model)
        return NSURL._made(where=where)

    @class_method(is_url)
    @reporting_errors()
    def modelWithContentsOfURL_error_(cls, url: Any) -> Any:
        return loaded(compiled.read(url), None, cls=cls)

    @class_method(is_url, is_configuration)
    @reporting_errors()
    def modelWithContentsOfURL_configuration_error_(cls, url: Any, configuration: Any) -> Any:
        return loaded(compiled.read(url), None, configuration, cls)

    @method()
    def modelDescription(self) -> Any:
        return MLModelDescription._made(model=self._model)

    @method()
    def configuration(self) -> Any:
        return self._configuration

    @method(is_example)
    @reporting_errors()
    def predictionFromFeatures_error_(self, example: Any) -> Any:
        (prediction,) = _predictions(self, [example])
        return prediction

    @method(is_batch)
    @reporting_errors()
    def predictionsFromBatch_error_(self, batch: Any) -> Any:
        predictions = _predictions(self, [example_at(batch, index) for index in range(count_of(batch))])
        return MLArrayBatchProvider.alloc().initWithFeatureProviderArray_(predictions)

    @method(lambda value: isinstance(value, MLParameterKey))
    @reporting_errors()
    def parameterValueForKey_error_(self, key: Any) -> Any:
        return _parameter(self, key)

    @method(is_url)
    @reporting_errors(failed=False)
    def writeToURL_error_(self, url: Any) -> bool:
        fail_if_asked("write", "IO")
        compiled.write(url._where, compiled.with_weights(self._model, self._weights))
        return True


def _content(where: Path) -> bytes:
    if not where.is_file():
        raise CoreMLError("IO", f"Unable to compile: no file at {where}")
    return where.read_bytes()


def loaded(model: Any, weights: Weights | None, configuration: Any = None, cls: Any = MLModel) -> Any:
    """An MLModel, with weights of its own or those of the file."""
    return cls._made(model=model, weights=weights or weights_of(model), configuration=configuration, lapsed=False)


def _check_paused(model: Any) -> None:
    if model._lapsed:
        raise Fault("the model of a progress handler's context, used after the handler returned: training changes it")


def _parameter(model: Any, key: Any) -> Any:
    _check_paused(model)
    fail_if_asked("read", "Parameters")
    if key._name not in WEIGHTS:
        values = defaults(model._model)
        if key._name not in values or key._scope is not None:
            raise CoreMLError("Parameters", f"the model has no parameter {key!r}")
        return number(values[key._name])
    trained = {layer.name for layer in network_of(model._model).layers if layer.isUpdatable}
    if key._scope not in trained or key._name not in model._weights[key._scope]:
        raise CoreMLError("Parameters", f"{key!r} is no parameter of an updatable layer")
    values = model._weights[key._scope][key._name]
    if knob("LAYOUT") == "transposed":
        values = values.T
    return made_from(values, knob("RETURNS"), gap=3 if knob("STRIDES") == "padded" else 0)


def _predictions(model: Any, examples: list[Any]) -> list[Any]:
    _check_paused(model)
    fail_if_asked("predict", "Generic")
    network = Network(model._model)
    predictions: list[Any] = []
    for start in range(0, len(examples), 256):
        batch = examples[start : start + 256]
        blobs, _ = network.forward(model._weights, inputs_of(model._model, batch))
        predictions.extend(_outputs(model._model, network, blobs, row) for row in range(len(batch)))
    return predictions


def _value(output: Any, values: Any) -> Any:
    kind = output.type.WhichOneof("Type")
    if kind == "doubleType" and values.size == 1:
        return MLFeatureValue.featureValueWithDouble_(values.item())
    declared_type = output.type.multiArrayType
    shape = tuple(declared_type.shape) or values.shape
    if kind != "multiArrayType" or prod(shape) != values.size:
        raise CoreMLError(
            "Generic", f"output {output.name!r}: {values.size} numbers do not make its {kind} {list(shape)}"
        )
    return MLFeatureValue.featureValueWithMultiArray_(
        made_from(values.reshape(shape), DTYPES[declared_type.dataType].str)
    )


def _outputs(model: Any, network: Network, blobs: dict[str, Any], row: int) -> Any:
    features: dict[str, Any] = {}
    labels = labels_of(model)
    if labels:
        layer = model.neuralNetworkClassifier.labelProbabilityLayerName or network.layers[-1].output[0]
        probabilities = blobs[layer][row].reshape(-1)
        best = labels[int(np.argmax(probabilities))]
        features[model.description.predictedFeatureName] = best
        if model.description.predictedProbabilitiesName:
            pairs = dict(zip(labels, map(float, probabilities.astype(np.float32)), strict=True))
            features[model.description.predictedProbabilitiesName] = dictionary_value(pairs)
    for output in model.description.output:
        if output.name not in features:
            features[output.name] = _value(output, blobs[output.name][row])
    return MLDictionaryFeatureProvider.alloc().initWithDictionary_error_(features, None)[0]

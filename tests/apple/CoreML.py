"""Stands for PyObjC's CoreML: the classes that the stand-in models, and the constants that PyObjC declares."""

from apple_standin.errors import DOMAIN as _DOMAIN
from apple_standin.features import MLArrayBatchProvider, MLDictionaryFeatureProvider, MLFeatureValue
from apple_standin.keys import MLKey, MLMetricKey, MLParameterKey
from apple_standin.knobs import check_knobs as _check_knobs
from apple_standin.models import MLModel, MLModelConfiguration, MLModelDescription
from apple_standin.multi_array import MLMultiArray
from apple_standin.names import declared as _declared
from apple_standin.tasks import MLTask, MLUpdateContext, MLUpdateProgressHandlers, MLUpdateTask

_check_knobs()

_CONSTANTS = dict(_declared()["enums"]) | {"MLModelErrorDomain": _DOMAIN}


def __getattr__(name: str) -> object:
    if name not in _CONSTANTS:
        raise AttributeError(f"module 'CoreML' has no attribute {name!r}")
    return _CONSTANTS[name]


__all__ = [
    "MLArrayBatchProvider",
    "MLDictionaryFeatureProvider",
    "MLFeatureValue",
    "MLKey",
    "MLMetricKey",
    "MLModel",
    "MLModelConfiguration",
    "MLModelDescription",
    "MLMultiArray",
    "MLParameterKey",
    "MLTask",
    "MLUpdateContext",
    "MLUpdateProgressHandlers",
    "MLUpdateTask",
]

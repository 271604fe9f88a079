"""Values, examples and batches of examples."""

from typing import Any

from apple_standin.bridge import class_method, implements, method
from apple_standin.errors import CoreMLError, reporting_errors
from apple_standin.multi_array import MLMultiArray
from apple_standin.names import declared
from apple_standin.objects import NSArray, NSDictionary, NSObject, is_int, is_number, is_text, number, text
from apple_standin.pixel_buffers import PixelBuffer

_ENUMS = declared()["enums"]


def _is_array(value: object) -> bool:
    return isinstance(value, MLMultiArray)


class MLFeatureValue(NSObject):
    __slots__ = ("_kind", "_value")

    @class_method(_is_array)
    def featureValueWithMultiArray_(cls, value: Any) -> Any:
        return cls._made(kind="MultiArray", value=value)

    @class_method(is_int)
    def featureValueWithInt64_(cls, value: int) -> Any:
        return cls._made(kind="Int64", value=int(value))

    @class_method(is_number)
    def featureValueWithDouble_(cls, value: float) -> Any:
        return cls._made(kind="Double", value=float(value))

    @class_method(is_text)
    def featureValueWithString_(cls, value: str) -> Any:
        return cls._made(kind="String", value=str(value))

    @class_method(lambda value: isinstance(value, PixelBuffer))
    def featureValueWithPixelBuffer_(cls, value: Any) -> Any:
        return cls._made(kind="Image", value=value)

    @method()
    def type(self) -> int:
        return int(_ENUMS[f"MLFeatureType{self._kind}"])

    @method()
    def multiArrayValue(self) -> Any:
        return self._value if self._kind == "MultiArray" else None

    @method()
    def int64Value(self) -> int:
        return int(self._value) if self._kind == "Int64" else 0

    @method()
    def doubleValue(self) -> float:
        return float(self._value) if self._kind == "Double" else 0.0

    @method()
    def stringValue(self) -> str:
        return text(self._value if self._kind == "String" else "")

    @method()
    def dictionaryValue(self) -> Any:
        return NSDictionary._made(items=self._value if self._kind == "Dictionary" else {})


def dictionary_value(items: dict[Any, float]) -> Any:
    """The probabilities of a classifier."""
    keyed = {text(key) if isinstance(key, str) else number(key): number(value) for key, value in items.items()}
    return MLFeatureValue._made(kind="Dictionary", value=keyed)


def _as_value(name: str, value: object) -> Any:
    if isinstance(value, MLFeatureValue):
        return value
    if isinstance(value, str):
        return MLFeatureValue.featureValueWithString_(value)
    if is_int(value):
        return MLFeatureValue.featureValueWithInt64_(value)
    if is_number(value):
        return MLFeatureValue.featureValueWithDouble_(value)
    if isinstance(value, MLMultiArray):
        return MLFeatureValue.featureValueWithMultiArray_(value)
    raise CoreMLError("FeatureType", f"feature {name!r}: {type(value).__name__} is no feature value")


class MLDictionaryFeatureProvider(NSObject):
    __slots__ = ("_features",)

    @method(lambda value: isinstance(value, dict) and all(isinstance(key, str) for key in value))
    @reporting_errors()
    def initWithDictionary_error_(self, features: dict[str, Any]) -> Any:
        self._features = {str(name): _as_value(name, value) for name, value in features.items()}
        self._initialised = True
        return self

    @method()
    def dictionary(self) -> Any:
        return NSDictionary._made(items={text(name): value for name, value in self._features.items()})

    @method()
    def featureNames(self) -> Any:
        return frozenset(text(name) for name in self._features)

    @method(is_text)
    def featureValueForName_(self, name: str) -> Any:
        return self._features.get(name)


def is_example(value: object) -> bool:
    """Does it keep to the protocol MLFeatureProvider?"""
    return implements(value, "featureNames", "featureValueForName:")


def is_batch(value: object) -> bool:
    """Does it keep to the protocol MLBatchProvider?"""
    return implements(value, "count", "featuresAtIndex:")


class MLArrayBatchProvider(NSObject):
    __slots__ = ("_examples",)

    @method(lambda value: isinstance(value, (list, tuple, NSArray)) and all(is_example(item) for item in value))
    def initWithFeatureProviderArray_(self, examples: Any) -> Any:
        self._examples, self._initialised = tuple(examples), True
        return self

    @method()
    def array(self) -> Any:
        return NSArray._made(items=self._examples)

    @method()
    def count(self) -> int:
        return len(self._examples)

    @method(is_int)
    def featuresAtIndex_(self, index: int) -> Any:
        return self._examples[index]

"""MLKey, MLParameterKey and MLMetricKey: objects made by class methods, equal where their name and scope are."""

from typing import Any

from apple_standin.bridge import class_method, method
from apple_standin.objects import NSObject, is_text, text


class MLKey(NSObject):
    __slots__ = ("_name", "_scope")

    @method()
    def name(self) -> str:
        return text(self._name)

    @method()
    def scope(self) -> Any:
        return None if self._scope is None else text(self._scope)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and (self._name, self._scope) == (other._name, other._scope)

    def __hash__(self) -> int:
        return hash((type(self).__name__, self._name, self._scope))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._name}{f' of {self._scope}' if self._scope else ''}>"


def _named(name: str) -> Any:
    def key(cls: Any) -> Any:
        return cls._made(name=name, scope=None)

    key.__name__ = name
    return class_method()(key)


class MLParameterKey(MLKey):
    __slots__ = ()

    learningRate, momentum, miniBatchSize = _named("learningRate"), _named("momentum"), _named("miniBatchSize")
    beta1, beta2, eps = _named("beta1"), _named("beta2"), _named("eps")
    epochs, shuffle, seed = _named("epochs"), _named("shuffle"), _named("seed")
    numberOfNeighbors, weights, biases = _named("numberOfNeighbors"), _named("weights"), _named("biases")

    @method(is_text)
    def scopedTo_(self, scope: str) -> Any:
        return MLParameterKey._made(name=self._name, scope=str(scope))


class MLMetricKey(MLKey):
    __slots__ = ()

    lossValue, epochIndex, miniBatchIndex = _named("lossValue"), _named("epochIndex"), _named("miniBatchIndex")

"""Objective-C's objects as PyObjC shows them: methods by selector, checked against the tables of names.

A method of the stand-in is no attribute of its class, so that the plain `super()` does not find it, as in PyObjC.
"""

import inspect
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, cast

import numpy as np

from apple_standin import names
from apple_standin.faults import Fault

Check = Callable[[object], bool]


class error(Exception):  # noqa: N801, N818  # objc's own spelling
    """`objc.error`: an NSException that reached Python."""


class BadPrototypeError(TypeError):
    """A method of a Python class whose name and number of arguments do not agree."""


class Protocol:
    """What `objc.protocolNamed` returns."""

    def __init__(self, name: str, required: Sequence[str]) -> None:
        self.name, self.required = name, tuple(required)


class PythonMethod:
    """What `objc.python_method` returns: a function that stays Python's."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function


class Method:
    """One method of a class of the stand-in, with the checks that PyObjC makes of its arguments."""

    def __init__(self, function: Callable[..., Any], checks: Sequence[Check], *, of_class: bool) -> None:
        self.function, self.checks, self.of_class = function, tuple(checks), of_class
        self.name = function.__name__
        self.out: tuple[int, ...] = ()
        self.owner = ""

    def declare(self, owner: str, metadata: dict[str, Any]) -> None:
        """Takes from the table which arguments are out-parameters, and compares the number of arguments."""
        self.owner, self.out = owner, tuple(metadata.get("out", ()))
        expected = names.selector_of(self.name).count(":")
        self.out = tuple(position for position in self.out if position < expected)
        if len(self.checks) + len(self.out) != expected:
            raise Fault(f"{owner}.{self.name} checks {len(self.checks)} arguments and has {expected}")

    def called(self, receiver: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        """Checks the arguments, calls, and checks nothing of the result: that is the stand-in's own."""
        where = f"{self.owner}.{self.name}"
        if keywords:
            raise TypeError(f"{where} takes no keyword arguments, got {sorted(keywords)}")
        expected = len(self.checks) + len(self.out)
        if len(arguments) != expected:
            raise TypeError(f"Need {expected} arguments, got {len(arguments)} ({where})")
        passed = []
        for position, value in enumerate(arguments):
            if position in self.out:
                if value is not None:
                    raise ValueError(f"{where}: argument {position} is an out-parameter, pass None, not {value!r}")
            else:
                passed.append(value)
        for position, (value, check) in enumerate(zip(passed, self.checks, strict=True)):
            refuse_numpy(value, where)
            if not check(value):
                raise TypeError(f"{where}: argument {position} may not be {value!r} ({type(value).__name__})")
        return self.function(receiver, *passed)


def refuse_numpy(value: object, where: str) -> None:
    """A NumPy scalar, or an array where a list is meant, is wrapped as an opaque Python object by PyObjC."""
    if isinstance(value, np.generic):
        raise TypeError(f"{where}: a NumPy scalar ({type(value).__name__}) is no NSNumber, pass int or float")
    if isinstance(value, (list, tuple)):
        for item in value:
            refuse_numpy(item, where)
    if isinstance(value, dict):
        for key, item in value.items():
            refuse_numpy(key, where)
            refuse_numpy(item, where)


def method(*checks: Check) -> Callable[[Callable[..., Any]], Any]:
    """An instance method; a check for each argument that is no out-parameter. `Bound` makes it callable."""
    return lambda function: Method(function, checks, of_class=False)


def class_method(*checks: Check) -> Callable[[Callable[..., Any]], Any]:
    """A class method."""
    return lambda function: Method(function, checks, of_class=True)


class Bound:
    """A method of one object, ready to be called: what PyObjC calls a native selector."""

    __slots__ = ("_method", "_receiver")

    def __init__(self, found: Method, receiver: Any) -> None:
        self._method, self._receiver = found, receiver

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        return self._method.called(self._receiver, arguments, keywords)


class ObjCClass(type):
    """The type of every Objective-C class."""

    taken: ClassVar[dict[str, str]] = {}
    """The names in the runtime, which has one space of names for a whole process."""

    def __new__(
        mcls, name: str, bases: tuple[type, ...], body: dict[str, Any], *, protocols: Sequence[Any] = ()
    ) -> Any:
        native = body.get("__module__", "").startswith("apple_standin.")
        if name in mcls.taken:
            raise error(f"{name} is overriding existing Objective-C class")
        methods = {key: value for key, value in body.items() if isinstance(value, Method)}
        body = {key: value for key, value in body.items() if key not in methods} | {"_methods": methods}
        if native:
            body.setdefault("__slots__", ())
        else:
            _check_python_methods(name, body, protocols)
            body = {key: value.function if isinstance(value, PythonMethod) else value for key, value in body.items()}
        made = super().__new__(mcls, name, bases, body)
        for found in methods.values():
            metadata = _declared(made, names.selector_of(found.name))
            if metadata is None:
                raise Fault(f"neither table of names has {name} {names.selector_of(found.name)}")
            found.declare(name, metadata)
        mcls.taken[name] = body.get("__module__", "")
        return made

    def __init__(
        cls, name: str, bases: tuple[type, ...], body: dict[str, Any], *, protocols: Sequence[Any] = ()
    ) -> None:
        super().__init__(name, bases, body)
        cls._protocols = tuple(protocols)

    def __call__(cls, *_arguments: Any, **_keywords: Any) -> Any:
        raise TypeError(f"make a {cls.__name__} with a class method or with alloc() and an initialiser")

    def __getattr__(cls, name: str) -> Any:
        found = find(cls, name)
        if found is None or not found.of_class:
            raise AttributeError(_unknown(cls, name))
        return Bound(found, cls)

    def alloc(cls) -> Any:
        """An object that an initialiser must follow."""
        made: Any = object.__new__(cast("type[Any]", cls))
        object.__setattr__(made, "_initialised", False)
        return made


def _selector_by_default(name: str) -> str | None:
    """What a Python method becomes; None where it stays Python's. The rule is that of `objc/_transform.py`."""
    if (name.startswith("__") and name.endswith("__")) or ("_" in name[1:] and not name.endswith("_")):
        return None
    return name[:1] + name[1:].replace("_", ":")


def _check_python_methods(name: str, body: dict[str, Any], protocols: Sequence[Any]) -> None:
    for key, value in body.items():
        selector = _selector_by_default(key)
        if not inspect.isfunction(value) or selector is None:
            continue
        colons, taken = selector.count(":"), list(inspect.signature(value).parameters.values())[1:]
        kinds = [parameter.kind for parameter in taken if parameter.default is parameter.empty]
        if inspect.Parameter.KEYWORD_ONLY in kinds:
            raise BadPrototypeError(f"{name}.{key} has keyword-only arguments without a default")
        needed = kinds.count(inspect.Parameter.POSITIONAL_OR_KEYWORD)
        at_most = sum(parameter.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD for parameter in taken)
        if not needed <= colons <= at_most and inspect.Parameter.VAR_POSITIONAL not in kinds:
            raise BadPrototypeError(f"{name}.{key}: the name says {colons} arguments, the method takes {needed}")
    for given in protocols:
        if not isinstance(given, Protocol):
            raise TypeError(f"protocols: {given!r} is no protocol")
        missing = [sel for sel in given.required if sel.replace(":", "_") not in body]
        if missing:
            raise TypeError(f"class {name} does not fully implement protocol {given.name}: no {', '.join(missing)}")


def _declared(cls: type, selector: str) -> dict[str, Any] | None:
    for owner in cls.__mro__:
        metadata = names.metadata_of(owner.__name__, selector)
        if metadata is not None:
            return metadata
    return None


def find(cls: type, name: str) -> Method | None:
    """The method of a class or of its parents, by its Python name."""
    for owner in cls.__mro__:
        found = owner.__dict__.get("_methods", {}).get(name)
        if found is not None:
            return found if not names.is_unavailable(cls.__name__, names.selector_of(name)) else None
    return None


def _unknown(cls: type, name: str) -> str:
    known = _declared(cls, names.selector_of(name)) is not None
    return f"{cls.__name__!r} has no attribute {name!r}" + (": the stand-in does not model it" if known else "")


def implements(value: object, *selectors: str) -> bool:
    """Does the object answer these selectors, whether by a class of the stand-in or by a Python class?"""
    if not isinstance(type(value), ObjCClass):
        return False
    python_names = [selector.replace(":", "_") for selector in selectors]
    return all(find(type(value), name) or callable(getattr(type(value), name, None)) for name in python_names)


class Super:
    """`objc.super`: the next class's method, which the plain `super()` does not find."""

    def __init__(self, cls: type, receiver: Any) -> None:
        self._cls, self._receiver = cls, receiver

    def __getattr__(self, name: str) -> Any:
        mro = type(self._receiver).__mro__
        for owner in mro[mro.index(self._cls) + 1 :]:
            if name in owner.__dict__.get("_methods", {}):
                return Bound(owner.__dict__["_methods"][name], self._receiver)
            if name in owner.__dict__:
                return owner.__dict__[name].__get__(self._receiver)
        raise AttributeError(f"no super-class of {self._cls.__name__} answers {name!r}")

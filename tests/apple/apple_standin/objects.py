"""NSObject, the collections and numbers that come back from Objective-C, NSURL and NSError."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeGuard

from apple_standin.bridge import Bound, ObjCClass, class_method, find, method

__all__ = ["NSURL", "NSArray", "NSDictionary", "NSError", "NSObject", "number", "text"]


class OC_PythonLong(int):  # noqa: N801  # PyObjC's own spelling
    """An NSNumber that came back: an int, but not exactly one."""


class OC_PythonFloat(float):  # noqa: N801
    """An NSNumber that came back: a float, but not exactly one."""


class pyobjc_unicode(str):  # noqa: N801
    """An NSString that came back."""

    __slots__ = ()


def number(value: float) -> Any:
    """As PyObjC hands out an NSNumber."""
    return OC_PythonLong(value) if isinstance(value, int) else OC_PythonFloat(value)


def text(value: str) -> str:
    """As PyObjC hands out an NSString."""
    return pyobjc_unicode(value)


def is_text(value: object) -> bool:
    return isinstance(value, str)


def is_int(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value: object) -> bool:
    return isinstance(value, (int, float))


class NSObject(metaclass=ObjCClass):
    """The root of all classes."""

    __slots__ = ("__weakref__", "_initialised")

    def __getattr__(self, name: str) -> Any:
        found = None if name.startswith("_") else find(type(self), name)
        if found is None or found.of_class:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        if not self._initialised and not name.startswith("init"):
            raise AttributeError(f"{type(self).__name__!r} was allocated and never initialised")
        return Bound(found, self)

    @method()
    def init(self) -> Any:
        self._initialised = True
        return self

    @method()
    def description(self) -> str:
        return text(repr(self))

    @classmethod
    def _made(cls, **values: Any) -> Any:
        """An object with its private values, made by the stand-in itself."""
        made = cls.alloc()
        made._initialised = True
        for name, value in values.items():
            setattr(made, f"_{name}", value)
        return made


class NSArray(NSObject, Sequence, metaclass=type("_", (ObjCClass, type(Sequence)), {})):  # type: ignore[metaclass, type-arg]
    """An array that came back: a sequence, but neither a list nor a tuple."""

    __slots__ = ("_items",)

    def __getitem__(self, index: Any) -> Any:
        return self._items[index]

    def __len__(self) -> int:
        return len(self._items)

    @method()
    def count(self) -> int:
        return len(self._items)


class NSDictionary(NSObject, Mapping, metaclass=type("_", (ObjCClass, type(Mapping)), {})):  # type: ignore[metaclass, type-arg]
    """A dictionary that came back: a mapping, but no dict."""

    __slots__ = ("_items",)

    def __getitem__(self, key: Any) -> Any:
        return self._items[key]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    @method()
    def count(self) -> int:
        return len(self._items)


class NSURL(NSObject):
    """A place in the file system."""

    __slots__ = ("_where",)

    @class_method(is_text)
    def fileURLWithPath_(cls, path: str) -> Any:
        return cls._made(where=Path(path).resolve())

    @method()
    def path(self) -> str:
        return text(str(self._where))


class NSError(NSObject):
    """Why a call returned nothing."""

    __slots__ = ("_code", "_domain", "_info", "_message")

    @method()
    def domain(self) -> str:
        return text(self._domain)

    @method()
    def code(self) -> int:
        return int(self._code)

    @method()
    def localizedDescription(self) -> str:
        return text(self._message)

    @method()
    def userInfo(self) -> Any:
        return NSDictionary._made(items={text("NSLocalizedDescription"): text(self._message), **self._info})

    def __repr__(self) -> str:
        return f"<NSError Domain={self._domain} Code={self._code} {self._message!r}>"

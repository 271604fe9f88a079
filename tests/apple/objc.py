"""Stands for PyObjC's core: what the engine may use of it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from apple_standin import names as _names
from apple_standin.bridge import BadPrototypeError, Protocol, PythonMethod, Super, error
from apple_standin.metadata import registerMetaDataForSelector
from apple_standin.multi_array import VarList as varlist  # noqa: N813  # its name there

__version__ = "13.0"

super = Super  # noqa: A001  # its name there


@contextmanager
def autorelease_pool() -> Iterator[None]:
    """Objects released within are freed at its end; Python's own need none."""
    yield


def protocolNamed(name: str) -> Protocol:  # its name there
    """A protocol by its name."""
    required = _names.protocol(name)
    if required is None:
        raise ProtocolError(name)
    return Protocol(name, required)


class ProtocolError(error):
    """There is no such protocol."""


def python_method(function: Callable[..., Any]) -> PythonMethod:
    """Marks a method of a Python class as none of Objective-C's."""
    return PythonMethod(function)


__all__ = [
    "BadPrototypeError",
    "ProtocolError",
    "autorelease_pool",
    "error",
    "protocolNamed",
    "python_method",
    "registerMetaDataForSelector",
    "super",
    "varlist",
]

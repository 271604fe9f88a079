"""Stands for PyObjC's Foundation: what the engine may use of it."""

from apple_standin.errors import DOMAIN as _DOMAIN  # noqa: F401  # Core ML's errors come through here
from apple_standin.knobs import check_knobs as _check_knobs
from apple_standin.objects import NSURL, NSArray, NSDictionary, NSError, NSObject

_check_knobs()

__all__ = ["NSURL", "NSArray", "NSDictionary", "NSError", "NSObject"]

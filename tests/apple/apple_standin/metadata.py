"""Metadata of selectors that a program registers anew: the remedy for a slip in PyObjC's own."""

from typing import Any

_registered: dict[tuple[str, str], dict[str, Any]] = {}


def registerMetaDataForSelector(class_name: bytes, selector: bytes, metadata: dict[str, Any]) -> None:
    """PyObjC's function; names are bytes there."""
    if not (isinstance(class_name, bytes) and isinstance(selector, bytes) and isinstance(metadata, dict)):
        raise TypeError("registerMetaDataForSelector takes bytes, bytes and a dict")
    _registered[class_name.decode(), selector.decode()] = metadata


def registered(class_name: str, selector: str) -> dict[str, Any] | None:
    """What a program has registered for a selector, if anything."""
    return _registered.get((class_name, selector))

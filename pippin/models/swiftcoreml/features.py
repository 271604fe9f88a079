"""Inputs, outputs and training inputs: unordered objects by name in SwiftCoreMLTools, lists in the spec language."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from pippin.errors import pointer
from pippin.models.swiftcoreml.reader import Reader, at_key

FIELDS: Final = {"name": "name", "shape": "shape", "type": "featureType"}
"""SwiftCoreMLTools' fields by the spec language's fields."""

TYPES: Final = ("float", "int")
"""The types that both languages have, under the same names."""

Features = dict[str, dict[str, Any]]
"""By the key in the document."""

Named = tuple[str, dict[str, Any]]
"""A feature with its key in the document."""


def read_features(value: object, theirs: str, reader: Reader) -> Features | None:
    """The features at the key `theirs`, unordered; None if the document leaves them out."""
    at = pointer(theirs)
    features = None if value is None else reader.mapping(value, at, "each feature by its name")
    if features is None:
        return None
    return {key: _feature(entry, key, at_key(at, key), reader) for key, entry in features.items()}


def _feature(value: object, key: str, at: str, reader: Reader) -> dict[str, Any]:
    fields = reader.fields(value, at, ", ".join(FIELDS.values()))
    if fields is None:
        return {}
    reader.keys(fields, at, always=FIELDS.values(), known=FIELDS.values())
    feature = {"name": key} | {ours: fields[theirs] for ours, theirs in FIELDS.items() if theirs in fields}
    if feature["name"] != key and isinstance(feature["name"], str):
        reader.note(at + "/name", f"found a name that differs from the key {key!r}; using the name")
    if "type" in feature:
        reader.word(feature["type"], at + "/featureType", TYPES)
    return feature


def ordered(features: Features | None, first: Sequence[str], last: object = None) -> list[Named]:
    """The features in the order of their names in `first`, then the others by name, then the feature named `last`."""
    places = {name: place for place, name in reversed(list(enumerate(first)))}

    def rank(named: Named) -> tuple[int, str]:
        name = _name(named)
        return places.get(name, len(places)) if name != last else len(places) + 1, name

    return sorted((features or {}).items(), key=rank)


def _name(named: Named) -> str:
    key, feature = named
    name = feature.get("name")
    return name if isinstance(name, str) else key


def place_features(features: Sequence[Named], ours: str, theirs: str, reader: Reader) -> None:
    """Record the origins of the features in a list."""
    reader.place(pointer(ours), pointer(theirs))
    for index, (key, _) in enumerate(features):
        here, there = pointer(ours, index), pointer(theirs, key)
        reader.place(here, there)
        for field, origin in FIELDS.items():
            reader.place(f"{here}/{field}", f"{there}/{origin}", is_same_inside=True)


def blobs(layers: Iterable[Mapping[str, Any]], field: str) -> Iterator[str]:
    """The blob names in `field` of the layers, in the order of the layers."""
    for layer in layers:
        names = layer.get(field)
        for name in names if isinstance(names, list) else [names]:
            if isinstance(name, str):
                yield name


def names(features: Iterable[Named]) -> list[str]:
    """The names of features."""
    return [_name(named) for named in features]

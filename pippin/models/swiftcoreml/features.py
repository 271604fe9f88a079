"""Inputs, outputs and training inputs: there objects by name without any order, here lists."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from pippin.errors import pointer
from pippin.models.swiftcoreml.reader import Reader, at_key

FIELDS: Final = {"name": "name", "shape": "shape", "type": "featureType"}
"""Their fields by ours."""

TYPES: Final = ("float", "int")
"""The types that both languages have, under the same names."""

Features = dict[str, dict[str, Any]]
"""By the key in the document."""

Named = tuple[str, dict[str, Any]]
"""One of them, with its key."""


def read_features(value: object, theirs: str, reader: Reader) -> Features | None:
    """The features at the key `theirs`, in no order yet; None where the document leaves them out."""
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
        reader.note(at + "/name", f"found another name than the key {key!r}; the name is taken")
    if "type" in feature:
        reader.word(feature["type"], at + "/featureType", TYPES)
    return feature


def ordered(features: Features | None, first: Sequence[str], last: object = None) -> list[Named]:
    """The features in the order of their names in `first`, then the others by name, then the one called `last`."""
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
    """Where the features of a list came from."""
    reader.place(pointer(ours), pointer(theirs))
    for index, (key, _) in enumerate(features):
        here, there = pointer(ours, index), pointer(theirs, key)
        reader.place(here, there)
        for field, origin in FIELDS.items():
            reader.place(f"{here}/{field}", f"{there}/{origin}", is_same_inside=True)


def blobs(layers: Iterable[Mapping[str, Any]], field: str) -> Iterator[str]:
    """The names that layers have in `field`, in the order of the layers."""
    for layer in layers:
        names = layer.get(field)
        for name in names if isinstance(names, list) else [names]:
            if isinstance(name, str):
                yield name


def names(features: Iterable[Named]) -> list[str]:
    """The names of features."""
    return [_name(named) for named in features]

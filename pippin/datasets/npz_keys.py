"""What the keys of an NPZ say: the split and the feature of each array.

`train/image` says both. Keras (`x_train`, `y_test`) and MedMNIST (`train_images`, `val_labels`) join them otherwise.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pippin.datasets.errors import quoted, refuse

_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_SPLITS = {
    **dict.fromkeys(("train", "training", "trn", "tr"), "train"),
    **dict.fromkeys(("test", "testing", "tst", "te"), "test"),
    **dict.fromkeys(("val", "valid", "validation", "dev"), "validation"),
}
_JOINED = re.compile(r"(x|y)(train|test|val|valid)|(train|test|val|valid)(x|y)")
_INPUTS = frozenset({"x", "image", "images", "img", "imgs", "data", "feature", "features", "input", "inputs", "pixels"})
_TARGETS = frozenset(
    {"y", "label", "labels", "target", "targets", "class", "classes", "output", "outputs", "truth", "digit", "digits"}
)
_SHOWN = 4

Place = tuple[str, str]
"""A split and the name of a feature."""


@dataclass(frozen=True)
class Keys:
    """Where each array belongs.

    Attributes:
        places: By key.
        notices: What was assumed.
        hint: How to name the arrays, if they turn out not to fit together; "" where the keys say their splits.
    """

    places: Mapping[str, Place]
    notices: tuple[str, ...] = ()
    hint: str = ""


def read_keys(keys: Iterable[str]) -> Keys:
    """The split and the feature of each array.

    Keys without a slash are read as Keras' and MedMNIST's are where every one of them holds one split's name, and the
    rest are several splits of the same features, or at least an input and a target. Otherwise all are features of the
    split `train`.

    Raises:
        DatasetError: A key has more than one slash, or two say the same.
    """
    keys = list(keys)
    if any("/" in key for key in keys):
        return Keys({key: _with_slash(key) for key in keys})
    joined = {key: _joined(key) for key in keys}
    known = {key: place for key, place in joined.items() if place is not None}
    if not known:
        return Keys({key: ("train", key) for key in keys})
    hint = "name each array by its split and its feature: train/x, train/y, test/x, test/y"
    if len(known) < len(keys) or not _fit(list(known.values())):
        listed = ", ".join(list(known)[:_SHOWN])
        notice = f"{listed}: read as features of the split train, not as splits; if they are, {hint}"
        return Keys({key: ("train", key) for key in keys}, (notice,), hint)
    _check_different(known)
    told = ", ".join(f"{key} as {split}/{name}" for key, (split, name) in list(known.items())[:_SHOWN])
    more = " and so on" if len(known) > _SHOWN else ""
    return Keys(known, (f"read the arrays as splits by their names: {told}{more}",))


def is_target(name: str) -> bool:
    """Whether a feature is called as a target usually is."""
    return name.lower() in _TARGETS


def _with_slash(key: str) -> Place:
    split, slash, name = key.partition("/")
    if "/" in name:
        raise refuse(f"{quoted(key)} has two slashes; name an array image, or train/image to say its split")
    return (split, name) if slash else ("train", key)


def _joined(key: str) -> Place | None:
    """The split and the feature that a key joins: `x_train`, `valImages`, `Xtest`; None where there is no one split."""
    match = _JOINED.fullmatch(key.lower())
    words = [word for word in match.groups() if word] if match else [word.lower() for word in _WORD.findall(key)]
    splits = [word for word in words if word in _SPLITS]
    rest = [word for word in words if word not in _SPLITS]
    return (_SPLITS[splits[0]], "_".join(rest)) if len(splits) == 1 and rest else None


def _fit(places: list[Place]) -> bool:
    """Whether arrays are the same features in several splits, or an input and a target in one."""
    by_split: dict[str, set[str]] = {}
    for split, name in places:
        by_split.setdefault(split, set()).add(name)
    features, *others = by_split.values()
    if others:
        # A split that lacks a feature is refused later, by name.
        return any(features & each for each in others)
    return not features.isdisjoint(_INPUTS) and not features.isdisjoint(_TARGETS)


def _check_different(places: Mapping[str, Place]) -> None:
    keys: dict[Place, str] = {}
    for key, place in places.items():
        if place in keys:
            raise refuse(f"{quoted(keys[place])} and {quoted(key)} both are {'/'.join(place)}; rename one of them")
        keys[place] = key

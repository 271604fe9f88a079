"""Maps the labels of a dataset to the classes of a model.

A dataset stores a label as a number and, where it was uploaded with names, a list of the names. A classifier has its
own class names, with which the dataset's names are matched. A number without a name means the class whose name is that
number where the model's names are numbers, and the position of a class among the model's where they are words. A
nearest-neighbour classifier takes the names from the examples.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from pippin.datasets.errors import quoted
from pippin.datasets.names import nfc
from pippin.models.trainable import Trainable

T = TypeVar("T")

_SHOWN = 5
_MAX_CHARACTERS = 40
_INT32 = np.iinfo(np.int32)

# 18 digits always fit into the 64 bits in which pairs of classes are kept.
_NUMERAL = re.compile(r"([+-]?\d{1,18})(\.0*)?")


@dataclass(frozen=True)
class Classes:
    """The numbers that the target of a dataset may have, and the classes of the model that they mean.

    Attributes:
        minimum: The smallest number allowed.
        maximum: The largest number allowed.
        rule: The allowed numbers as a sentence for a message.
        pairs: [number in the dataset, number in the model] of each class; None where they are the same.
        faults: Why the names of the dataset or the model cannot be matched.
        notices: Assumptions, as sentences for the user.
    """

    minimum: int
    maximum: int
    rule: str
    pairs: list[list[int]] | None = None
    faults: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Span:
    """The smallest and the largest class number of a dataset, over all splits that the job uses."""

    minimum: float
    maximum: float


def classes_of(
    model: Trainable, names: Sequence[str] | None, span: Span, trained_labels: Sequence[str] | None = None
) -> Classes | None:
    """How the classes of a dataset map to those of `model`; None where the target of the model is not a class.

    Args:
        model: The model to train.
        names: The class names of the dataset, by number; None where the dataset has no names.
        span: The range of the dataset's numbers.
        trained_labels: For a trained model without class names, the labels of its training dataset, by class number of
            the model; None for any other model.
    """
    if model.label_type is not None:
        return _learned_classes(model.label_type, names)
    if model.classes is None:
        return None
    if model.labels is None or (names is None and len(model.labels) != model.classes):
        return _by_trained_labels(model.classes, names, span, trained_labels)
    return _by_number(model.labels, span) if names is None else _by_name(model.labels, names)


def learned_labels(label_type: str, names: Sequence[str] | None, number: int) -> str | int:
    """The label that a model that learns its classes assigns to class `number` of a dataset with these `names`."""
    name = str(number) if names is None else names[number]
    return name if label_type == "string" else int(name)


def whole_number(label: str | int) -> int | None:
    """The whole number in a class name, such as 7 for 7, "7", "07" and "7.0"; None for any other name."""
    if isinstance(label, int):
        return label
    match = _NUMERAL.fullmatch(label.strip())
    return None if match is None else int(match[1])


def _by_trained_labels(
    classes: int, names: Sequence[str] | None, span: Span, trained_labels: Sequence[str] | None
) -> Classes:
    """The classes of a model without class names, which may have been trained on a dataset with names."""
    if trained_labels is not None and names is None and len(trained_labels) == classes:
        return _by_number(trained_labels, span)
    if trained_labels is not None and names is not None and set(map(nfc, names)) <= set(map(nfc, trained_labels)):
        return _by_name(trained_labels, names)
    rule = f"the model has {classes} classes, 0 to {classes - 1}"
    if trained_labels is None or names is None:
        return Classes(0, classes - 1, rule)
    notice = (
        f"the model was trained on classes called {listed(trained_labels)}, and the dataset's are called "
        f"{listed(names)}: they replace those, in this order"
    )
    return Classes(0, classes - 1, rule, notices=(notice,))


def _by_name(labels: Sequence[str | int], names: Sequence[str]) -> Classes:
    index_of = {nfc(str(label)): index for index, label in enumerate(labels)}
    # Where two labels differ in their Unicode form only, the exact spelling of the dataset decides.
    index_of |= {str(label): index for index, label in enumerate(labels)}
    indices = [index_of.get(name, index_of.get(nfc(name))) for name in names]
    unknown = [name for name, index in zip(names, indices, strict=True) if index is None]
    faults = (
        (f"the model does not have the dataset's classes {listed(unknown)}; its classes are {listed(labels)}",)
        if unknown
        else ()
    )
    pairs = [[number, index] for number, index in enumerate(indices) if index is not None]
    return Classes(0, len(names) - 1, f"the dataset names {len(names)} classes", pairs, faults)


def _by_number(labels: Sequence[str | int], span: Span) -> Classes:
    """How the numbers of a dataset without names map to a model whose classes have `labels`.

    Where all labels are numbers, a number means the label of that value, as for classes that are whole numbers. Where
    some labels are numbers, the span of the dataset decides between values and positions. Where no label is a number,
    numbers are positions.
    """
    values = [whole_number(label) for label in labels]
    if None not in values:
        return _by_value(labels, values)
    numerals = {value for value in values if value is not None}
    if not numerals:
        return _by_position(labels)
    # A number that is both the name and the position of the same class is not ambiguous.
    ambiguous = [index for index, value in enumerate(values) if index in numerals and value != index]
    by_position = span.minimum >= 0 and span.maximum < len(labels)
    by_value = {span.minimum, span.maximum} <= numerals
    if by_value and not by_position:
        return _by_value(labels, values)
    if by_value and any(span.minimum <= number <= span.maximum for number in ambiguous):
        fault = (
            f"the dataset has numbers for classes, and the model's classes are {listed(labels)}: {ambiguous[0]} could "
            f"mean the class of that name or {_quoted(labels[ambiguous[0]])}, which has that position; name the "
            "classes of the model with numbers alone or words alone, or send pictures in a folder a class"
        )
        return Classes(0, len(labels) - 1, _positions_of(labels), faults=(fault,))
    return _by_position(labels)


def _by_value(labels: Sequence[str | int], values: Sequence[int | None]) -> Classes:
    """A number means the class whose name is that number."""
    pairs = [[value, index] for index, value in enumerate(values) if value is not None]
    faults = tuple(
        f"the model's classes {listed(same)} are the same whole number, so a dataset cannot distinguish them; rename "
        "all but one of them"
        for same in _labels_by_value(labels, values).values()
        if len(same) > 1
    )[:1]
    numbers = [value for value, _ in pairs]
    rule = f"the model's classes are {listed(labels)}, and a whole number stands for the class of that name"
    renumbered = next(((value, index) for value, index in pairs if value != index), None)
    if renumbered is None:
        return Classes(min(numbers), max(numbers), rule, None, faults)
    notice = (
        f"the dataset's numbers are read as names of the model's classes, not as positions: {renumbered[0]} is the "
        f"class {_quoted(labels[renumbered[1]])}, which has the position {renumbered[1]}"
    )
    # Numbers for classes that are whole numbers are unambiguous, so no notice is needed.
    notices = () if isinstance(labels[0], int) else (notice,)
    return Classes(min(numbers), max(numbers), rule, pairs, faults, notices)


def _by_position(labels: Sequence[str | int]) -> Classes:
    """A number is the position of a class."""
    shown = ", ".join(f"{index} is {_quoted(label)}" for index, label in enumerate(labels[:_SHOWN]))
    more = f" and so on to {len(labels) - 1}" if len(labels) > _SHOWN else ""
    notice = f"the dataset's numbers are read as positions of the model's classes: {shown}{more}"
    return Classes(0, len(labels) - 1, _positions_of(labels), notices=(notice,))


def _positions_of(labels: Sequence[str | int]) -> str:
    return f"the model has {len(labels)} classes: number them 0 to {len(labels) - 1}"


def _learned_classes(label_type: str, names: Sequence[str] | None) -> Classes:
    if names is None:
        return Classes(int(_INT32.min), int(_INT32.max), "a class is a whole number")
    faults = _not_int64(names) if label_type == "int64" else ()
    return Classes(0, len(names) - 1, f"the dataset names {len(names)} classes", None, faults)


def _not_int64(names: Sequence[str]) -> tuple[str, ...]:
    """Why these names cannot be the classes of a model whose classes are whole numbers."""
    if wrong := [name for name in names if not _is_int64(name)]:
        return (f"the model's classes are whole numbers, and the dataset's {listed(wrong)} are not",)
    return tuple(
        f"the model's classes are whole numbers, and the dataset's {listed(same)} are equal; make them one class"
        for same in _labels_by_value(names, map(int, names)).values()
        if len(same) > 1
    )[:1]


def _labels_by_value(labels: Sequence[T], values: Iterable[int | None]) -> dict[int, list[T]]:
    """The labels by value, without the labels that have no value."""
    grouped: dict[int, list[T]] = defaultdict(list)
    for label, value in zip(labels, values, strict=True):
        if value is not None:
            grouped[value].append(label)
    return grouped


def _is_int64(name: str) -> bool:
    try:
        return -(2**63) <= int(name) < 2**63
    except ValueError:
        return False


def listed(labels: Sequence[str | int]) -> str:
    """The first few of some labels, for a message."""
    shown = ", ".join(map(_quoted, labels[:_SHOWN]))
    return f"{shown} and {len(labels) - _SHOWN} more" if len(labels) > _SHOWN else shown


def _quoted(label: str | int) -> str:
    return quoted(label, _MAX_CHARACTERS) if isinstance(label, str) else str(label)

"""Which of a model's classes each of a dataset's labels means.

A dataset keeps a label as a number and, where it was uploaded with names, a list of them. A classifier names its
classes itself: names are matched by name. A number without a name means the class whose name is that number, where the
model's names are numbers; it is the position of a class among the model's where they are words. A nearest-neighbour
classifier learns the names from the examples.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from pippin.datasets.errors import quoted
from pippin.datasets.names import composed
from pippin.models.trainable import Trainable

T = TypeVar("T")

_SHOWN = 5
_LONGEST = 40
_INT32 = np.iinfo(np.int32)

# 18 digits always fit into the 64 bits in which pairs of classes are kept.
_NUMERAL = re.compile(r"([+-]?\d{1,18})(\.0*)?")


@dataclass(frozen=True)
class Classes:
    """What the numbers of a dataset's target may be, and what they mean to the model.

    Attributes:
        least: The least of them.
        most: The greatest.
        said: What is right, in words.
        pairs: [the dataset's number, the model's] of each class; None where they are the same.
        faults: What is wrong with the names of the dataset or the model.
        notices: What was assumed, for the person who submits a job.
    """

    least: int
    most: int
    said: str
    pairs: list[list[int]] | None = None
    faults: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Span:
    """The least and the greatest number that a dataset has for a class, in all splits that are used."""

    least: float
    most: float


def classes_of(
    model: Trainable, names: Sequence[str] | None, span: Span, trained_labels: Sequence[str] | None = None
) -> Classes | None:
    """What `model` makes of a dataset whose classes are called `names`; None when its target is no class.

    Args:
        model: What is to be trained.
        names: By the dataset's number; None where it has no names.
        span: Of the dataset's numbers.
        trained_labels: The labels of the dataset that a model was trained on which knows its classes by number alone,
            by the model's number; None for any other model.
    """
    if model.label_type is not None:
        return _learned(model.label_type, names)
    if model.classes is None:
        return None
    if model.labels is None or (names is None and len(model.labels) != model.classes):
        return _by_trained_labels(model.classes, names, span, trained_labels)
    return _by_number(model.labels, span) if names is None else _by_name(model.labels, names)


def learned_labels(label_type: str, names: Sequence[str] | None, number: int) -> str | int:
    """What a model that learns its classes calls the class that has `number` in a dataset with these `names`."""
    name = str(number) if names is None else names[number]
    return name if label_type == "string" else int(name)


def whole_number(label: str | int) -> int | None:
    """The whole number that a class's name is, such as 7 for 7, "7", "07" and "7.0"; None for any other name."""
    if isinstance(label, int):
        return label
    match = _NUMERAL.fullmatch(label.strip())
    return None if match is None else int(match[1])


def _by_trained_labels(
    classes: int, names: Sequence[str] | None, span: Span, trained_labels: Sequence[str] | None
) -> Classes:
    """What the numbers of a dataset mean to a model that has no names of its own, but may have learned some."""
    if trained_labels is not None and names is None and len(trained_labels) == classes:
        return _by_number(trained_labels, span)
    if (
        trained_labels is not None
        and names is not None
        and set(map(composed, names)) <= set(map(composed, trained_labels))
    ):
        return _by_name(trained_labels, names)
    said = f"the model tells {classes} classes apart, 0 to {classes - 1}"
    if trained_labels is None or names is None:
        return Classes(0, classes - 1, said)
    notice = (
        f"the model was trained on classes called {listed(trained_labels)}, and the dataset's are called "
        f"{listed(names)}: they take the places of those, in this order"
    )
    return Classes(0, classes - 1, said, notices=(notice,))


def _by_name(labels: Sequence[str | int], names: Sequence[str]) -> Classes:
    own = {composed(str(label)): index for index, label in enumerate(labels)}
    # Of two names that differ in their Unicode form alone, one is the dataset's own.
    own |= {str(label): index for index, label in enumerate(labels)}
    places = [own.get(name, own.get(composed(name))) for name in names]
    unknown = [name for name, place in zip(names, places, strict=True) if place is None]
    faults = (
        (f"the dataset's classes {listed(unknown)} are none of the model's, which are {listed(labels)}",)
        if unknown
        else ()
    )
    pairs = [[number, place] for number, place in enumerate(places) if place is not None]
    return Classes(0, len(names) - 1, f"the dataset names {len(names)} classes", pairs, faults)


def _by_number(labels: Sequence[str | int], span: Span) -> Classes:
    """What the numbers of a dataset without names mean to a model whose classes have `labels`.

    Where all names are numbers, the one reading is by value, as for classes that are whole numbers. Where some are, it
    is the one of the two readings that the dataset's span allows. Where none is, numbers are positions.
    """
    values = [whole_number(label) for label in labels]
    if None not in values:
        return _by_value(labels, values)
    numerals = {value for value in values if value is not None}
    if not numerals:
        return _by_position(labels)
    # A number that is a class's name and that class's position has one meaning.
    ambiguous = [index for index, value in enumerate(values) if index in numerals and value != index]
    by_position = span.least >= 0 and span.most < len(labels)
    by_value = {span.least, span.most} <= numerals
    if by_value and not by_position:
        return _by_value(labels, values)
    if by_value and any(span.least <= number <= span.most for number in ambiguous):
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
        f"the model's classes {listed(same)} are the same whole number, by which a dataset cannot tell them apart; "
        "rename all but one of them"
        for same in _grouped(labels, values).values()
        if len(same) > 1
    )[:1]
    numbers = [value for value, _ in pairs]
    said = f"the model's classes are {listed(labels)}, and a whole number stands for the class of that name"
    moved = next(((value, index) for value, index in pairs if value != index), None)
    if moved is None:
        return Classes(min(numbers), max(numbers), said, None, faults)
    notice = (
        "the dataset's numbers are taken for the names of the model's classes, not for their positions: "
        f"{moved[0]} is the class {_quoted(labels[moved[1]])}, which has the position {moved[1]}"
    )
    # Classes that are whole numbers have no other meaning.
    notices = () if isinstance(labels[0], int) else (notice,)
    return Classes(min(numbers), max(numbers), said, pairs, faults, notices)


def _by_position(labels: Sequence[str | int]) -> Classes:
    """A number is the position of a class."""
    shown = ", ".join(f"{index} is {_quoted(label)}" for index, label in enumerate(labels[:_SHOWN]))
    more = f" and so on to {len(labels) - 1}" if len(labels) > _SHOWN else ""
    notice = f"the dataset's numbers are taken for positions among the model's classes: {shown}{more}"
    return Classes(0, len(labels) - 1, _positions_of(labels), notices=(notice,))


def _positions_of(labels: Sequence[str | int]) -> str:
    return f"the model tells {len(labels)} classes apart: number them 0 to {len(labels) - 1}"


def _learned(label_type: str, names: Sequence[str] | None) -> Classes:
    if names is None:
        return Classes(int(_INT32.min), int(_INT32.max), "a class is a whole number")
    faults = _not_int64(names) if label_type == "int64" else ()
    return Classes(0, len(names) - 1, f"the dataset names {len(names)} classes", None, faults)


def _not_int64(names: Sequence[str]) -> tuple[str, ...]:
    """Why a model whose classes are whole numbers cannot learn these."""
    if wrong := [name for name in names if not _is_whole(name)]:
        return (f"the model's classes are whole numbers, and the dataset's {listed(wrong)} are not",)
    return tuple(
        f"the model's classes are whole numbers, and the dataset's {listed(same)} are the same one; make them one class"
        for same in _grouped(names, map(int, names)).values()
        if len(same) > 1
    )[:1]


def _grouped(labels: Sequence[T], values: Iterable[int | None]) -> dict[int, list[T]]:
    """The labels of each value, for those that have one."""
    grouped: dict[int, list[T]] = defaultdict(list)
    for label, value in zip(labels, values, strict=True):
        if value is not None:
            grouped[value].append(label)
    return grouped


def _is_whole(name: str) -> bool:
    try:
        return -(2**63) <= int(name) < 2**63
    except ValueError:
        return False


def listed(labels: Sequence[str | int]) -> str:
    """The first few of some labels, for a message."""
    shown = ", ".join(map(_quoted, labels[:_SHOWN]))
    return f"{shown} and {len(labels) - _SHOWN} more" if len(labels) > _SHOWN else shown


def _quoted(label: str | int) -> str:
    return quoted(label, _LONGEST) if isinstance(label, str) else str(label)

"""Which of a model's classes each of a dataset's labels means.

A dataset keeps a label as a number and, where it was uploaded with names, a list of them. A classifier names its
classes itself: theirs are matched by name, or by the whole number that the label is. A nearest-neighbour classifier
learns the names from the examples.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pippin.datasets.names import composed
from pippin.models.trainable import Trainable

_SHOWN = 5
_INT32 = np.iinfo(np.int32)


@dataclass(frozen=True)
class Classes:
    """What the numbers of a dataset's target may be, and what they mean to the model.

    Attributes:
        least: The least of them.
        most: The greatest.
        said: What is right, in words.
        pairs: [the dataset's number, the model's] of each class; None where they are the same.
        strangers: What is wrong with the dataset's names of classes.
    """

    least: int
    most: int
    said: str
    pairs: list[list[int]] | None = None
    strangers: tuple[str, ...] = ()


def classes_of(model: Trainable, names: Sequence[str] | None) -> Classes | None:
    """What `model` makes of a dataset whose classes are called `names`; None when its target is no class.

    Args:
        model: What is to be trained.
        names: By the dataset's number; None where it has no names.
    """
    if model.label_type is not None:
        return _learned(model.label_type, names)
    if model.classes is None:
        return None
    if model.labels is None:
        most = model.classes - 1
        return Classes(0, most, f"the model tells {model.classes} classes apart, 0 to {most}")
    if names is None and isinstance(model.labels[0], str):
        most = len(model.labels) - 1
        return Classes(0, most, f"the model tells {len(model.labels)} classes apart: number them 0 to {most}")
    own = {composed(str(label)): index for index, label in enumerate(model.labels)}
    if names is None:
        numbers = [int(label) for label in model.labels]
        said = f"the model's classes are {_listed(numbers)}"
        pairs = [[number, own[str(number)]] for number in numbers]
        same = all(number == index for number, index in pairs)
        return Classes(min(numbers), max(numbers), said, None if same else pairs)
    unknown = [name for name in names if composed(name) not in own]
    strangers = (
        (f"the dataset's classes {_listed(unknown)} are none of the model's, which are {_listed(model.labels)}",)
        if unknown
        else ()
    )
    pairs = [[number, own[composed(name)]] for number, name in enumerate(names) if composed(name) in own]
    said = f"the dataset names {len(names)} classes"
    return Classes(0, len(names) - 1, said, pairs, strangers)


def learned_labels(label_type: str, names: Sequence[str] | None, number: int) -> str | int:
    """What a model that learns its classes calls the class that has `number` in a dataset with these `names`."""
    name = str(number) if names is None else names[number]
    return name if label_type == "string" else int(name)


def _learned(label_type: str, names: Sequence[str] | None) -> Classes:
    if names is None:
        return Classes(int(_INT32.min), int(_INT32.max), "a class is a whole number")
    wrong = [name for name in names if not _is_whole(name)] if label_type == "int64" else []
    strangers = (f"the model's classes are whole numbers, and the dataset's {_listed(wrong)} are not",) if wrong else ()
    return Classes(0, len(names) - 1, f"the dataset names {len(names)} classes", None, strangers)


def _is_whole(name: str) -> bool:
    try:
        return -(2**63) <= int(name) < 2**63
    except ValueError:
        return False


def _listed(labels: Sequence[str | int]) -> str:
    shown = ", ".join(map(repr, labels[:_SHOWN]))
    return f"{shown} and {len(labels) - _SHOWN} more" if len(labels) > _SHOWN else shown

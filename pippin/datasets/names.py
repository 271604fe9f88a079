"""The names of splits, features and classes in uploads."""

import re
import unicodedata
from collections.abc import Iterable, Sequence

from pippin.datasets.errors import quoted, refuse

_SPLIT = re.compile(r"(?<![a-z])(train(?:ing)?|t10k|test(?:ing)?|val(?:id(?:ation)?)?)(?![a-z])")
_SPLIT_BY_PREFIX = {"train": "train", "t10k": "test", "test": "test", "val": "validation"}
_NAME = re.compile(r"[^\x00-\x1f\x7f/]{1,200}")


def split_in(path: str) -> str | None:
    """The split that a path names: train, test or validation, by their usual names; None where it names none.

    The last such word decides: `test-run/t10k-images` names test, `train.csv` names train.
    """
    words = _SPLIT.findall(path.lower())
    if not words:
        return None
    return next(split for begin, split in _SPLIT_BY_PREFIX.items() if words[-1].startswith(begin))


_SPLIT_WORDS = frozenset({"train", "training", "t10k", "test", "testing", "val", "valid", "validation"})
_FILLERS = frozenset(
    {"set", "sets", "data", "dataset", "split", "folder", "image", "images", "img", "imgs", "picture", "pictures"}
    | {"pics", "photos", "samples", "examples", "seg", "x", "full", "small"}
)


def is_split_name(folder: str) -> bool:
    """Whether the name of a folder is that of a split: `Test`, `train_images`, `val-2017`.

    `split_in` also finds the word inside other names, such as the class `train station`.
    """
    words = [word for word in re.split(r"[\W_\d]+", re.sub(r"t10k", "test", folder.lower())) if word]
    words = [word.removesuffix("set") if word.removesuffix("set") in _SPLIT_WORDS else word for word in words]
    return not _SPLIT_WORDS.isdisjoint(words) and set(words) <= _SPLIT_WORDS | _FILLERS


def nfc(name: str) -> str:
    """A class name in the Unicode normal form NFC, in which class names are compared and stored.

    HFS+ and the archives of the macOS Finder decompose names: `Äpfel` then has six characters instead of five.
    """
    return unicodedata.normalize("NFC", name)


def with_spelling_of(own: Iterable[str | int], names: Sequence[str] | None) -> tuple[str, ...] | None:
    """The class names of a dataset, spelled as in the model where the model has the class; None without names.

    Args:
        own: The labels of the model.
        names: The class names of the dataset.
    """
    if names is None:
        return None
    spelling = {nfc(label): label for label in own if isinstance(label, str)}
    return tuple(spelling.get(nfc(name), name) for name in names)


def checked(kind: str, name: str) -> str:
    """Check that `name` can be a part of `split/feature`, and return it.

    Args:
        kind: What the name is for, `split` or `feature`, for the message.
        name: The name in the upload.

    Raises:
        DatasetError: The name is empty, has more than 200 characters, or has a slash or a control character.
    """
    if not _NAME.fullmatch(name):
        raise refuse(
            f"{quoted(name)} cannot be the name of a {kind}: "
            "give 1 to 200 characters, none of them a slash or a control character"
        )
    return name

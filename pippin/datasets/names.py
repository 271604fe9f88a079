"""Names that uploads give to splits and features."""

import re
import unicodedata
from collections.abc import Iterable, Sequence

from pippin.datasets.errors import quoted, refuse

_SPLIT = re.compile(r"(?<![a-z])(train(?:ing)?|t10k|test(?:ing)?|val(?:id(?:ation)?)?)(?![a-z])")
_KNOWN = {"train": "train", "t10k": "test", "test": "test", "val": "validation"}
_NAME = re.compile(r"[^\x00-\x1f\x7f/]{1,200}")


def split_in(path: str) -> str | None:
    """The split that a path speaks of: train, test or validation by their usual names; None when it names none.

    The last word counts: `test-run/t10k-images` and `train.csv` speak of test and train.
    """
    found = _SPLIT.findall(path.lower())
    if not found:
        return None
    return next(split for begin, split in _KNOWN.items() if found[-1].startswith(begin))


_SPLIT_WORDS = frozenset({"train", "training", "t10k", "test", "testing", "val", "valid", "validation"})
_FILLERS = frozenset(
    {"set", "sets", "data", "dataset", "split", "folder", "image", "images", "img", "imgs", "picture", "pictures"}
    | {"pics", "photos", "samples", "examples", "seg", "x", "full", "small"}
)


def is_split_name(folder: str) -> bool:
    """Whether a folder's name says that it is a split, and nothing else: `Test`, `train_images`, `val-2017`.

    `split_in` also finds the word in longer names, such as the class `train station`.
    """
    words = [word for word in re.split(r"[\W_\d]+", re.sub(r"t10k", "test", folder.lower())) if word]
    words = [word.removesuffix("set") if word.removesuffix("set") in _SPLIT_WORDS else word for word in words]
    return not _SPLIT_WORDS.isdisjoint(words) and set(words) <= _SPLIT_WORDS | _FILLERS


def composed(name: str) -> str:
    """A class's name in Unicode's normal form NFC, in which such names are compared and stored.

    HFS+ and the archives of macOS's Finder decompose names: `Äpfel` is then six characters, which look like the five.
    """
    return unicodedata.normalize("NFC", name)


def spelled_as(own: Iterable[str | int], names: Sequence[str] | None) -> tuple[str, ...] | None:
    """The dataset's names of classes, each as a model spells it that has the class already; None without names."""
    if names is None:
        return None
    spelling = {composed(label): label for label in own if isinstance(label, str)}
    return tuple(spelling.get(composed(name), name) for name in names)


def checked(kind: str, name: str) -> str:
    """`name`, fit to be part of `split/feature`.

    Args:
        kind: What it names, for the message.
        name: What the upload says.

    Raises:
        DatasetError: It is empty, longer than 200 characters, or has a slash or a control character in it.
    """
    if not _NAME.fullmatch(name):
        raise refuse(
            f"{quoted(name)} cannot be the name of a {kind}: "
            "give 1 to 200 characters, none of them a slash or a control character"
        )
    return name

"""Names that uploads give to splits and features."""

import re

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

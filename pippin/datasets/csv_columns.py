"""Which columns of a CSV make which feature."""

from dataclasses import dataclass
from math import prod

from pippin.datasets.errors import quoted, refuse, too_large
from pippin.datasets.limits import DatasetLimits
from pippin.datasets.options import Columns, DatasetOptions

_LISTED = 20


@dataclass(frozen=True)
class Group:
    """A feature and the columns that make it up: their positions, from 0, in the feature's order."""

    feature: str
    columns: tuple[int, ...]


@dataclass(frozen=True)
class Layout:
    """How the rows of one file are read.

    Attributes:
        headed: Whether the first row holds names and no example.
        names: Of the columns; without a header "1", "2", …
        inputs: The features to learn from.
        target: The feature to predict.
        guessed: Whether the target is the first column for want of anything better.
    """

    headed: bool
    names: tuple[str, ...]
    inputs: tuple[Group, ...]
    target: Group
    guessed: bool

    def column(self, index: int) -> str:
        """A column for a person: its number from 1 and its name."""
        return f"column {index + 1} ({quoted(self.names[index])})" if self.headed else f"column {index + 1}"


def layout(
    file: str, first: list[str], second: list[str] | None, options: DatasetOptions, limits: DatasetLimits
) -> Layout:
    """Decides from the first two rows, of which the second may be absent.

    Raises:
        DatasetError: A column that the options name is not there, is there twice, or is used twice.
        DatasetTooLargeError: There are too many columns.
    """
    if len(first) > limits.max_columns:
        raise too_large(f"{file} has {len(first):,} columns; {limits.max_columns:,} are allowed")
    headed = _is_header(first, second) if options.header is None else options.header
    names = tuple(cell.strip() for cell in first) if headed else tuple(str(at + 1) for at in range(len(first)))
    find = _Finder(file, names, headed)
    guessed = options.target is None and not (headed and "label" in names)
    target = _target(find, options.target, names if headed else None)
    inputs = _inputs(find, options, target)
    features = [group.feature for group in (*inputs, target)]
    if len(set(features)) < len(features):
        raise refuse(
            f"{file}: two features would be called {quoted(target.feature)}; name the target otherwise, "
            f"as target=label:{names[target.columns[0]]}",
            "/target",
        )
    return Layout(headed, names, inputs, target, guessed)


def _is_header(first: list[str], second: list[str] | None) -> bool:
    """Whether the first row looks like names.

    Any cell but the first must be a number in a row of data. The first may be a label in words, so it counts as a name
    only when the next row has a number there.
    """
    if not all(_is_number(cell) for cell in first[1:]):
        return True
    return not _is_number(first[0]) and second is not None and _is_number(second[0])


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


class _Finder:
    """Columns by name."""

    def __init__(self, file: str, names: tuple[str, ...], headed: bool) -> None:
        self.file = file
        self.names = names
        self._headed = headed

    def __call__(self, name: str, parameter: str) -> int:
        found = [at for at, column in enumerate(self.names) if column == name]
        if len(found) == 1:
            return found[0]
        if found:
            raise refuse(f"{self.file} has {len(found)} columns called {quoted(name)}", parameter)
        listed = ", ".join(self.names[:_LISTED]) + (", …" if len(self.names) > _LISTED else "")
        without = "" if self._headed else " by their numbers, since it has no header"
        raise refuse(f"{self.file} has no column {quoted(name)}; its columns are{without} {listed}", parameter)

    def group(self, feature: str, columns: tuple[str, ...], parameter: str) -> Group:
        return Group(feature, tuple(self(column, parameter) for column in columns))


def _target(find: _Finder, asked: Columns | None, header: tuple[str, ...] | None) -> Group:
    if asked is not None:
        ((feature, columns),) = asked.items()
        return find.group(feature, columns, "/target")
    if header is None:
        return Group("label", (0,))
    if "label" in header:
        return find.group("label", ("label",), "/target")
    if not header[0]:
        raise refuse(f"{find.file}: column 1, which would be the target, has no name; say which is, with target=")
    return Group(header[0], (0,))


def _inputs(find: _Finder, options: DatasetOptions, target: Group) -> tuple[Group, ...]:
    if options.inputs is not None:
        groups = tuple(find.group(feature, columns, "/inputs") for feature, columns in options.inputs.items())
        for group in groups:
            if shared := set(group.columns) & set(target.columns):
                raise refuse(f"{quoted(find.names[shared.pop()])} is the target and cannot be an input", "/inputs")
    else:
        rest = tuple(at for at in range(len(find.names)) if at not in target.columns)
        unnamed = [at for at in rest if not find.names[at]]
        if unnamed:
            raise refuse(
                f"{find.file}: column {unnamed[0] + 1} has no name; an index, perhaps: leave it out, or say with "
                "inputs= which columns to learn from"
            )
        if not rest:
            raise refuse(f"{find.file} has no column besides the target to learn from")
        groups = (Group("image" if options.shape is not None and len(options.shape) == 3 else "features", rest),)
    if options.shape is not None:
        if len(groups) > 1:
            raise refuse(f"a shape is for one feature, and inputs= makes {len(groups)}", "/shape")
        if prod(options.shape) != len(groups[0].columns):
            raise refuse(
                f"the shape {list(options.shape)} has {prod(options.shape)} values, and {find.file} has "
                f"{len(groups[0].columns)} columns for it",
                "/shape",
            )
    return groups

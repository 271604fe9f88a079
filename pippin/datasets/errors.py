"""The errors that refuse a dataset, and collections of its faults."""

from collections import Counter
from collections.abc import Iterable

from pippin.errors import Fault, FaultyDocumentError

SHOWN = 20
"""The number of faults that are listed; further faults are counted."""
_SHOWN_FILES = 3


class DatasetError(FaultyDocumentError):
    """A dataset was refused.

    The detail of each fault names the file, and the row and column (from 1, as an editor shows them), the byte offset
    or the member of the ZIP. The pointer is "" for a fault of the content, and the name of the option, such as
    `/target`, for a fault of an option.
    """

    def __init__(self, faults: Iterable[Fault]) -> None:
        super().__init__("the dataset was refused", faults)
        # "(root)" stands for a whole JSON document; for an uploaded file, it has no meaning.
        self.args = (str(self).replace("(root): ", ""),)


class DatasetTooLargeError(DatasetError):
    """A dataset exceeds a limit on size or count."""


def refuse(detail: str, pointer: str = "") -> DatasetError:
    """The error for a single fault."""
    return DatasetError([Fault(pointer, detail)])


def too_large(detail: str) -> DatasetTooLargeError:
    """The error for an exceeded limit."""
    return DatasetTooLargeError([Fault("", detail)])


class FaultList:
    """Collects faults while a file is read, so that several can be corrected at once."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._count = 0

    def __bool__(self) -> bool:
        return self._count > 0

    def add(self, detail: str) -> None:
        """Add a fault. After the first twenty, faults are only counted."""
        self._count += 1
        if self._count <= SHOWN:
            self._faults.append(Fault("", detail))

    def raise_any(self) -> None:
        """Raise the collected faults, if there are any.

        Raises:
            DatasetError: At least one fault was added.
        """
        if not self._count:
            return
        if self._count > SHOWN:
            self._faults.append(Fault("", f"and {self._count - SHOWN} more faults like these"))
        raise DatasetError(self._faults)


class FileFaults:
    """Collects faults of files, with one sentence for each kind of fault.

    The sentence begins with the names of the files: `a/1.png is empty (0 bytes)`.
    """

    def __init__(self) -> None:
        self._kinds: dict[str, list[tuple[str, str]]] = {}
        self._counts: Counter[str] = Counter()

    def add(self, name: str, predicate: str, kind: str = "") -> None:
        """Add a fault of a file.

        Args:
            name: The name of the file.
            predicate: The rest of the sentence, in the singular.
            kind: The rest of a sentence about every file with this fault, where `predicate` has details of one file.
        """
        kind = kind or predicate
        if kind not in self._kinds and len(self._kinds) == SHOWN:
            kind = "has another fault"
        self._counts[kind] += 1
        files = self._kinds.setdefault(kind, [])
        if len(files) < _SHOWN_FILES:
            files.append((name, predicate))

    def raise_any(self) -> None:
        """Raise the collected faults, if there are any.

        Raises:
            DatasetError: At least one fault was added.
        """
        if self._kinds:
            raise DatasetError(Fault("", self._sentence(kind)) for kind in self._kinds)

    def _sentence(self, kind: str) -> str:
        files = self._kinds[kind]
        if len(files) == 1:
            return " ".join(files[0])
        rest = self._counts[kind] - len(files)
        names = ", ".join(name for name, _ in files)
        return f"{names}{f' and {rest:,} more files' if rest else ''}: each {kind}"


def quoted(text: str, max_characters: int = 60) -> str:
    """`text` from an upload, escaped, in quotes and shortened for a message."""
    return repr(text if len(text) <= max_characters else text[:max_characters] + "…")

"""How a dataset is refused."""

from collections import Counter
from collections.abc import Iterable

from pippin.errors import Fault, FaultyDocumentError

SHOWN = 20
"""So many faults are listed one by one; the rest are counted."""
_SHOWN_FILES = 3


class DatasetError(FaultyDocumentError):
    """A dataset that was refused.

    Each fault's detail names the file, and the row and column (from 1, as an editor shows them), the byte offset or the
    member of the ZIP. Its pointer is "" where the content is at fault, `/target` and the like where an option is.
    """

    def __init__(self, faults: Iterable[Fault]) -> None:
        super().__init__("the dataset was refused", faults)
        # "(root)", which stands for a whole JSON document, says nothing about an uploaded file.
        self.args = (str(self).replace("(root): ", ""),)


class DatasetTooLargeError(DatasetError):
    """A dataset beyond a limit on size or count."""


def refuse(detail: str, pointer: str = "") -> DatasetError:
    """The error for a single fault."""
    return DatasetError([Fault(pointer, detail)])


def too_large(detail: str) -> DatasetTooLargeError:
    """The error for a limit that was passed."""
    return DatasetTooLargeError([Fault("", detail)])


class FaultList:
    """Collects faults while a file is read on, so that a person can mend several at once."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._count = 0

    def __bool__(self) -> bool:
        return self._count > 0

    def add(self, detail: str) -> None:
        """Notes one more fault; past the first twenty they are only counted."""
        self._count += 1
        if self._count <= SHOWN:
            self._faults.append(Fault("", detail))

    def raise_any(self) -> None:
        """Raises what was noted, if anything was.

        Raises:
            DatasetError: At least one fault was noted.
        """
        if not self._count:
            return
        if self._count > SHOWN:
            self._faults.append(Fault("", f"and {self._count - SHOWN} more faults like these"))
        raise DatasetError(self._faults)


class FileFaults:
    """Collects faults of files, of which one kind makes one line however many files have it.

    A sentence begins with the names of the files: `a/1.png is empty (0 bytes)`.
    """

    def __init__(self) -> None:
        self._kinds: dict[str, list[tuple[str, str]]] = {}
        self._counts: Counter[str] = Counter()

    def add(self, name: str, what: str, kind: str = "") -> None:
        """Notes that the file `name` is at fault.

        Args:
            name: The file.
            what: The rest of the sentence, in the singular.
            kind: The rest of a sentence that is true of every such file, where `what` has particulars.
        """
        kind = kind or what
        if kind not in self._kinds and len(self._kinds) == SHOWN:
            kind = "has another fault"
        self._counts[kind] += 1
        files = self._kinds.setdefault(kind, [])
        if len(files) < _SHOWN_FILES:
            files.append((name, what))

    def raise_any(self) -> None:
        """Raises what was noted, if anything was.

        Raises:
            DatasetError: At least one fault was noted.
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


def quoted(text: str, longest: int = 60) -> str:
    """`text` from an upload as it may stand in a message: escaped, in quotes, and cut when long."""
    return repr(text if len(text) <= longest else text[:longest] + "…")

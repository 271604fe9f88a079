"""Files that a person wrote, in YAML or JSON, and what is said about the faults in them."""

import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pippin.cli.errors import CommandError, Exit
from pippin.cli.errors import field as field_of
from pippin.documents.file_kinds import kind_of
from pippin.errors import Fault, FaultyDocumentError, summarised

if TYPE_CHECKING:
    from pippin.documents.errors import Place


@dataclass(frozen=True)
class Document:
    """A mapping that was read from a file.

    Attributes:
        name: The file, as a person named it.
        value: What it says.
        places: Where each value stands, by JSON pointer.
    """

    name: str
    value: dict[str, Any]
    places: dict[str, "Place"] = field(repr=False)

    def place(self, pointer: str) -> "Place | None":
        """Where a value stands, or what would hold it if it is missing."""
        while pointer and pointer not in self.places:
            pointer = pointer.rpartition("/")[0]
        return self.places.get(pointer)

    def lines(self, faults: Iterable[Fault]) -> list[str]:
        """A line for each fault, in the order of the file: where in it, of which field, and what."""
        placed = [(self.place(fault.pointer), fault) for fault in summarised(faults)]
        placed.sort(key=lambda each: (each[0].line, each[0].column) if each[0] else (0, 0))
        return [": ".join(filter(None, (self._at(at), field_of(fault.pointer), fault.detail))) for at, fault in placed]

    def where(self, pointer: str) -> str:
        """The file and, where it is known, line and column of a value."""
        return self._at(self.place(pointer))

    def _at(self, place: "Place | None") -> str:
        return f"{self.name}:{place.line}:{place.column}" if place else self.name

    @contextmanager
    def located(self, what: str) -> Iterator[None]:
        """Tells the faults that are found in this document inside the block with their lines in the file.

        Args:
            what: The sentence above the faults.

        Raises:
            CommandError: In place of the error with the faults.
        """
        from pippin.client import ServiceError

        try:
            yield
        except (FaultyDocumentError, ServiceError) as error:
            if not error.faults:
                raise
            raise CommandError(Exit.REFUSED, what, self.lines(error.faults)) from error


def is_document(path: str) -> bool:
    """Whether a file that may be a model's is such a document, going by its name; stdin is."""
    return Path(path).suffix.lower() != ".mlmodel"


def load(path: str) -> Document:
    """Reads a mapping from a YAML or JSON file; `-` is stdin.

    Raises:
        CommandError: If it cannot be read, or is neither YAML nor JSON, or no mapping.
    """
    from pippin.documents import yaml12
    from pippin.documents.errors import MalformedDocumentError

    name, text = _read(path)
    # JSON is asked first: YAML reads most of it, but takes the escape of a character beyond U+FFFF for two.
    value, repeated = _json(text)
    places: dict[str, Place] = {}
    try:
        document, places = yaml12.parse(text)
        value = document if value is None and not repeated else value
    except MalformedDocumentError as error:
        if value is None:
            what = "cannot be read" if repeated else "is neither YAML nor JSON"
            where = f"{name}:{error.place.line}:{error.place.column}" if error.place else name
            raise CommandError(Exit.REFUSED, f"{name} {what}.", [f"{where}: {error}"]) from error
    if repeated:
        raise CommandError(Exit.REFUSED, f"{name} cannot be read.", [f"{name}: {repeated}"])
    if not isinstance(value, dict):
        kind = _KINDS.get(type(value), "a number")
        raise CommandError(
            Exit.REFUSED, f"{name} must hold a mapping (`key: value` lines, or a JSON object); found {kind}."
        )
    try:
        json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
    except ValueError as error:
        raise CommandError(Exit.REFUSED, f"{name} holds what cannot be sent as JSON.", [str(error)]) from error
    return Document(name, value, places)


_KINDS = {type(None): "nothing", str: "text", list: "a list", bool: "true or false"}


def _json(text: str) -> tuple[Any, str]:
    """The JSON value of a text, or None, and what is wrong with it where an object in it has a key twice."""
    from pippin.documents import strict_json
    from pippin.documents.errors import MalformedDocumentError, RepeatedKeyError

    try:
        return strict_json.loads(text.encode()), ""
    except RepeatedKeyError as error:
        return None, str(error)
    except (MalformedDocumentError, UnicodeEncodeError):
        pass
    # What only the standard library takes, such as NaN, is refused below with its reason.
    try:
        return json.loads(text), ""
    except (ValueError, RecursionError):
        return None, ""


def _read(path: str) -> tuple[str, str]:
    try:
        if path == "-":
            return "<stdin>", sys.stdin.read()
        return path, Path(path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        if kind := kind_of(error.object, path, is_whole=True):
            raise CommandError(Exit.USAGE, f"{path} {kind.as_model()}.") from error
        raise CommandError(
            Exit.USAGE, f"{path} is not UTF-8 text (byte {error.start}), so neither JSON nor YAML."
        ) from error
    except OSError as error:
        raise CommandError(Exit.USAGE, f"{path} cannot be read: {error.strerror}.") from error

"""Documents that users write in YAML or JSON, and the error messages about faults in them."""

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
        name: The file, as named on the command line.
        value: The content.
        places: The line and column of each value, by JSON pointer.
    """

    name: str
    value: dict[str, Any]
    places: dict[str, "Place"] = field(repr=False)

    def place(self, pointer: str) -> "Place | None":
        """The place of a value or, if it is missing, of the nearest existing parent."""
        while pointer and pointer not in self.places:
            pointer = pointer.rpartition("/")[0]
        return self.places.get(pointer)

    def lines(self, faults: Iterable[Fault]) -> list[str]:
        """One line per fault, in the order of the file: the place, the field, and the fault."""
        placed = [(self.place(fault.pointer), fault) for fault in summarised(faults)]
        placed.sort(key=lambda entry: (entry[0].line, entry[0].column) if entry[0] else (0, 0))
        return [
            ": ".join(filter(None, (self._location(place), field_of(fault.pointer), fault.detail)))
            for place, fault in placed
        ]

    def where(self, pointer: str) -> str:
        """The file and, if known, the line and column of a value."""
        return self._location(self.place(pointer))

    def _location(self, place: "Place | None") -> str:
        return f"{self.name}:{place.line}:{place.column}" if place else self.name

    @contextmanager
    def located(self, what: str) -> Iterator[None]:
        """Report the faults that the block finds in this document with their lines in the file.

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
    """Whether a file that contains a model is a YAML or JSON document, by its name; stdin is."""
    return Path(path).suffix.lower() != ".mlmodel"


def load(path: str) -> Document:
    """Read a mapping from a YAML or JSON file; `-` is stdin.

    Raises:
        CommandError: If the file cannot be read, or is neither YAML nor JSON, or holds no mapping.
    """
    from pippin.documents import yaml12
    from pippin.documents.errors import MalformedDocumentError

    name, text = _read(path)
    # JSON is tried first: YAML reads most JSON, but reads the escape of a character beyond U+FFFF as two characters.
    value, repeated_key_error = _json(text)
    places: dict[str, Place] = {}
    try:
        document, places = yaml12.parse(text)
        value = document if value is None and not repeated_key_error else value
    except MalformedDocumentError as error:
        if value is None:
            what = "cannot be read" if repeated_key_error else "is neither YAML nor JSON"
            where = f"{name}:{error.place.line}:{error.place.column}" if error.place else name
            raise CommandError(Exit.REFUSED, f"{name} {what}.", [f"{where}: {error}"]) from error
    if repeated_key_error:
        raise CommandError(Exit.REFUSED, f"{name} cannot be read.", [f"{name}: {repeated_key_error}"])
    if not isinstance(value, dict):
        kind = _TYPE_NAMES.get(type(value), "a number")
        raise CommandError(
            Exit.REFUSED, f"{name} must hold a mapping (`key: value` lines, or a JSON object); found {kind}."
        )
    try:
        json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
    except ValueError as error:
        raise CommandError(Exit.REFUSED, f"{name} has a value that JSON cannot represent.", [str(error)]) from error
    return Document(name, value, places)


_TYPE_NAMES = {type(None): "nothing", str: "text", list: "a list", bool: "true or false"}


def _json(text: str) -> tuple[Any, str]:
    """The JSON value of a text, or None; and the error message if an object in it has a repeated key."""
    from pippin.documents import strict_json
    from pippin.documents.errors import MalformedDocumentError, RepeatedKeyError

    try:
        return strict_json.loads(text.encode()), ""
    except RepeatedKeyError as error:
        return None, str(error)
    except (MalformedDocumentError, UnicodeEncodeError):
        pass
    # A text that only the standard library accepts, such as NaN, is refused later, with the reason.
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
            Exit.USAGE, f"{path} is not UTF-8 text (byte {error.start}), so it is neither JSON nor YAML."
        ) from error
    except OSError as error:
        raise CommandError(Exit.USAGE, f"{path} cannot be read: {error.strerror}.") from error

"""The one error of this part of the house."""

from collections.abc import Iterable

from pippin.errors import Fault, FaultyDocumentError, PippinError


class ModelFileError(FaultyDocumentError):
    """A file that is no updatable model that Pippin can train, or weights that do not fit into it.

    Attributes:
        faults: Every one that was found. Pointers lead into the model as a spec would describe it.
    """

    def __init__(self, detail: str, faults: Iterable[Fault] | None = None, *, rule: str | None = None) -> None:
        PippinError.__init__(self, detail)
        self.faults = (Fault("", detail, rule),) if faults is None else tuple(faults)


class NotAModelFileError(ModelFileError):
    """Bytes that are no `.mlmodel` at all."""

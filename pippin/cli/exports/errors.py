"""What can go wrong with an export."""

from pippin.errors import PippinError
from pippin.system.extras import install_command


class MissingLibraryError(PippinError):
    """The library that writes an export is not installed; the text says how it comes."""

    def __init__(self, library: str, extra: str) -> None:
        super().__init__(f"{library} writes this, and is not installed; it comes with: {install_command(extra)}")


class ExportError(PippinError):
    """The library that writes an export could not."""

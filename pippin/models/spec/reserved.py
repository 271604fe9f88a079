"""The metadata keys of a file that are Pippin's own."""

from typing import Final

PREFIX: Final = "pippin."

"""The one error of this part of the house."""

from pippin.faults import PippinError


class ModelFileError(PippinError):
    """A file that is no updatable neural network that Pippin can train, or weights that do not fit into it."""

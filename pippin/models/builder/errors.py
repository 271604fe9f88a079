"""The one error of this part of the house."""

from pippin.errors import PippinError


class BuilderError(PippinError):
    """Parts put together in a way that makes no model, or a field that a part does not have."""

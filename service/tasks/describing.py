"""What tasks say of a model."""

from pippin.models.mlmodel import ModelFileError
from pippin.models.record import Inspection
from pippin.models.spec.summary import SpecSummary

MOST_BYTES = 4 * 2**20
"""As JSON. It is kept in Redis, and a page of models holds up to a hundred; the largest network that Apple offers needs
a twentieth of it. A file of a few megabytes can ask for a hundred times as much."""


def described(description: Inspection | SpecSummary) -> object:
    """What a model is, in JSON.

    Raises:
        ModelFileError: It is larger than a record may be.
    """
    size = len(description.model_dump_json())
    if size > MOST_BYTES:
        raise ModelFileError(
            f"its layers, features and labels take {size:,} bytes to describe; needs at most {MOST_BYTES:,}"
        )
    return description.model_dump(mode="json")

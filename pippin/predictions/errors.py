"""The one error of this part of the house."""

from pippin.faults import Fault, FaultyDocumentError


class PredictionError(FaultyDocumentError):
    """Something that a model cannot be asked. Pointers start at the body of a prediction: `/inputs/image/0/3`."""


def refused(*faults: Fault) -> PredictionError:
    """The error for these faults."""
    return PredictionError("the model cannot be asked this", faults)

"""Errors of predictions."""

from pippin.errors import Fault, FaultyDocumentError, PippinError
from pippin.network.indices import WrongIndex


class PredictionError(FaultyDocumentError):
    """The input of a prediction does not fit the model. Pointers start at the request's body: `/inputs/image/0/3`."""


def refused(*faults: Fault) -> PredictionError:
    """The error for these faults."""
    return PredictionError("the input does not fit the model", faults)


class WrongIndexError(PippinError):
    """An input has an index outside the vocabulary of an embedding.

    Attributes:
        wrong: The index, and its row in the batch.
    """

    def __init__(self, wrong: WrongIndex) -> None:
        super().__init__(f"found {wrong.value:g} in {wrong.blob!r}; needs {wrong.needed}")
        self.wrong = wrong

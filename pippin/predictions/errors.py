"""The one error of this part of the house."""

from pippin.errors import Fault, FaultyDocumentError, PippinError
from pippin.network.indices import WrongIndex


class PredictionError(FaultyDocumentError):
    """Something that a model cannot be asked. Pointers start at the body of a prediction: `/inputs/image/0/3`."""


def refused(*faults: Fault) -> PredictionError:
    """The error for these faults."""
    return PredictionError("the model cannot be asked this", faults)


class WrongIndexError(PippinError):
    """An embedding is to look up what it does not know.

    Attributes:
        wrong: What, and in which of the examples that were computed together.
    """

    def __init__(self, wrong: WrongIndex) -> None:
        super().__init__(f"found {wrong.value:g} in {wrong.blob!r}; needs {wrong.needed}")
        self.wrong = wrong

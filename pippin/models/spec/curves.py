"""What the activations have in common whose curve is set by one number, or by two."""

from pippin.models.spec.layer import Message, ShapeKeeping
from pippin.models.spec.values import Single


class AlphaCurve(ShapeKeeping):
    """A function of each number by itself, with one parameter; each type says what it does."""

    alpha: Single

    def write(self, message: Message) -> None:
        """Write the parameter."""
        message.alpha = self.alpha

    @classmethod
    def read(cls, message: Message) -> dict[str, object]:
        """The parameter."""
        return {"alpha": message.alpha}


class AlphaBetaCurve(AlphaCurve):
    """The same with two parameters."""

    beta: Single

    def write(self, message: Message) -> None:
        """Write both parameters."""
        super().write(message)
        message.beta = self.beta

    @classmethod
    def read(cls, message: Message) -> dict[str, object]:
        """Both parameters."""
        return super().read(message) | {"beta": message.beta}

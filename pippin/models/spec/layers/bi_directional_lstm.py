"""The long short-term memory that goes both ways."""

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field

from pippin.models.spec.layer import Message
from pippin.models.spec.recurrent import LSTM, read_activation, write_activation
from pippin.models.spec.values import Value


class BothWays(Value):
    """The arrays of both runs by name: nested lists in the order of the file."""

    forward: dict[str, object] = Field(repr=False, description="Arrays by name.")
    backward: dict[str, object] = Field(repr=False, description="Arrays by name.")


class BiDirectionalLSTM(LSTM):
    """`BiDirectionalLSTMLayerParams` (version 1): (x, four states before) to (y, four last states).

    The states are y and c forward, then y and c backward; they may be left out, from the last on. x is [sequence, 1, C,
    1, 1], y [sequence or 1, 1, 2 * output_vector_size, 1, 1]; shapes of the states and of the arrays as `Recurrent`
    says.
    """

    type: Literal["bi_directional_lstm"] = "bi_directional_lstm"
    weights: BothWays | None = Field(default=None, repr=False, description='{"forward": {...}, "backward": {...}}')

    proto_path: ClassVar[str] = "biDirectionalLSTM"
    inputs_taken: ClassVar[tuple[int, int]] = (1, 5)
    outputs_made: ClassVar[tuple[int, int]] = (5, 5)
    runs: ClassVar[tuple[str, ...]] = ("forward.", "backward.")

    def given_arrays(self) -> Mapping[str, Mapping[str, object]]:
        """What `weights` says."""
        if self.weights is None:
            return {}
        return dict(zip(self.runs, (self.weights.forward, self.weights.backward), strict=True))

    def write(self, message: Message) -> None:
        """Write every field, the activations once for each run."""
        super().write(message)
        for activation in self.activations:
            write_activation(activation, message.activationsForwardLSTM.add())
            write_activation(activation, message.activationsBackwardLSTM.add())

    @classmethod
    def read(cls, message: Message) -> dict[str, object]:
        """The fields."""
        forward, backward = (
            [read_activation(activation) for activation in activations]
            for activations in (message.activationsForwardLSTM, message.activationsBackwardLSTM)
        )
        if forward != backward:
            raise ValueError("found other activations backward than forward; the format has them the same")
        if len(message.weightParams) != len(cls.runs):
            raise ValueError(f"found {len(message.weightParams)} sets of weights; needs {len(cls.runs)}, one each way")
        return super().read(message) | {"activations": forward}

    def array_message(self, message: Message, run: str) -> Message:
        """The `LSTMWeightParams` of one way, which it adds while they are not there."""
        index = self.runs.index(run)
        while len(message.weightParams) <= index:
            message.weightParams.add()
        return message.weightParams[index]

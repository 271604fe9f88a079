"""The long short-term memory that goes one way."""

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field

from pippin.models.spec.layer import Message
from pippin.models.spec.recurrent import LSTM, read_activation, write_activation
from pippin.models.spec.values import Flag


class UniDirectionalLSTM(LSTM):
    """`UniDirectionalLSTMLayerParams` (version 1): (x, y before, c before) to (y, last y, last c).

    x is [sequence, 1, C, 1, 1], y [sequence or 1, 1, output_vector_size, 1, 1]; shapes of the states and of the arrays
    as `Recurrent` says. The states before may be left out.
    """

    type: Literal["uni_directional_lstm"] = "uni_directional_lstm"
    reverse_input: Flag = Field(default=False, description="Whether it goes from the end to the beginning.")
    weights: dict[str, object] | None = Field(
        default=None, repr=False, description="Initial arrays by name: nested lists in the order of the file."
    )

    proto_path: ClassVar[str] = "uniDirectionalLSTM"
    inputs_taken: ClassVar[tuple[int, int]] = (1, 3)
    outputs_made: ClassVar[tuple[int, int]] = (3, 3)
    trainable: ClassVar[bool] = True
    passes_gradient: ClassVar[bool] = True

    def given_arrays(self) -> Mapping[str, Mapping[str, object]]:
        """What `weights` says."""
        return {} if self.weights is None else {"": self.weights}

    def write(self, message: Message) -> None:
        """Write every field."""
        super().write(message)
        for activation in self.activations:
            write_activation(activation, message.activations.add())
        message.reverseInput = self.reverse_input

    @classmethod
    def read(cls, message: Message) -> dict[str, object]:
        """The fields."""
        return super().read(message) | {
            "activations": [read_activation(activation) for activation in message.activations],
            "reverse_input": message.reverseInput,
        }

    def array_message(self, message: Message, run: str) -> Message:  # noqa: ARG002 - there is one run
        """The `LSTMWeightParams`."""
        return message.weightParams

"""The simple recurrent layer."""

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field

from pippin.models.spec.layer import Message
from pippin.models.spec.recurrent import (
    Recurrent,
    RecurrentActivation,
    TanhActivation,
    read_activation,
    write_activation,
)
from pippin.models.spec.values import Flag


class SimpleRecurrent(Recurrent):
    """`SimpleRecurrentLayerParams` (version 1): (x, y before) to (y, last y).

    x is [sequence, 1, C, 1, 1], y [sequence or 1, 1, output_vector_size, 1, 1]; shapes of the states and of the arrays
    as `Recurrent` says.
    """

    type: Literal["simple_recurrent"] = "simple_recurrent"
    activation: RecurrentActivation = Field(
        default=TanhActivation(), description="What makes the next state of the sum."
    )
    has_bias_vector: Flag = Field(default=True, description="Whether there is a bias.")
    reverse_input: Flag = Field(default=False, description="Whether it goes from the end to the beginning.")
    weights: dict[str, object] | None = Field(
        default=None, repr=False, description="Initial arrays by name: nested lists in the order of the file."
    )

    proto_path: ClassVar[str] = "simpleRecurrent"
    # Apple's validator wants the state, while the other recurrent types may leave theirs out.
    inputs_taken: ClassVar[tuple[int, int]] = (2, 2)
    outputs_made: ClassVar[tuple[int, int]] = (2, 2)

    @property
    def array_names(self) -> tuple[str, ...]:
        """Two matrices and, if it has one, a bias."""
        matrices = ("weight_matrix", "recursion_matrix")
        return (*matrices, "bias_vector") if self.has_bias_vector else matrices

    def given_arrays(self) -> Mapping[str, Mapping[str, object]]:
        """What `weights` says."""
        return {} if self.weights is None else {"": self.weights}

    def write(self, message: Message) -> None:
        """Write every field."""
        super().write(message)
        write_activation(self.activation, message.activation)
        message.sequenceOutput = self.sequence_output
        message.hasBiasVector = self.has_bias_vector
        message.reverseInput = self.reverse_input

    @classmethod
    def read(cls, message: Message) -> dict[str, object]:
        """The fields."""
        return super().read(message) | {
            "activation": read_activation(message.activation),
            "sequence_output": message.sequenceOutput,
            "has_bias_vector": message.hasBiasVector,
            "reverse_input": message.reverseInput,
        }

"""The gated recurrent unit."""

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field

from pippin.models.spec.layer import Message
from pippin.models.spec.recurrent import (
    Recurrent,
    RecurrentActivation,
    SigmoidActivation,
    TanhActivation,
    read_activation,
    write_activation,
)
from pippin.models.spec.values import Flag

_GATES = ("update_gate", "reset_gate", "output_gate")


class GRU(Recurrent):
    """`GRULayerParams` (version 1): (x, y before) to (y, last y); y before may be left out.

    x is [sequence, 1, C, 1, 1], y [sequence or 1, 1, output_vector_size, 1, 1]; shapes of the states and of the arrays
    as `Recurrent` says.
    """

    type: Literal["gru"] = "gru"
    activations: tuple[RecurrentActivation, RecurrentActivation] = Field(
        default=(SigmoidActivation(), TanhActivation()),
        description="[f, g]: of the update and reset gates, and of the output gate.",
    )
    has_bias_vectors: Flag = Field(default=True, description="Whether each gate has a bias.")
    reverse_input: Flag = Field(default=False, description="Whether it goes from the end to the beginning.")
    weights: dict[str, object] | None = Field(
        default=None, repr=False, description="Initial arrays by name: nested lists in the order of the file."
    )

    proto_path: ClassVar[str] = "gru"
    inputs_taken: ClassVar[tuple[int, int]] = (1, 2)
    outputs_made: ClassVar[tuple[int, int]] = (2, 2)

    @property
    def array_names(self) -> tuple[str, ...]:
        """Three matrices for the input, three for the recursion and, if it has them, three biases."""
        kinds = ("weight_matrix", "recursion_matrix", *(("bias_vector",) if self.has_bias_vectors else ()))
        return tuple(f"{gate}_{kind}" for kind in kinds for gate in _GATES)

    def given_arrays(self) -> Mapping[str, Mapping[str, object]]:
        """What `weights` says."""
        return {} if self.weights is None else {"": self.weights}

    def write(self, message: Message) -> None:
        """Write every field."""
        super().write(message)
        for activation in self.activations:
            write_activation(activation, message.activations.add())
        message.sequenceOutput = self.sequence_output
        message.hasBiasVectors = self.has_bias_vectors
        message.reverseInput = self.reverse_input

    @classmethod
    def read(cls, message: Message) -> dict[str, object]:
        """The fields."""
        return super().read(message) | {
            "activations": [read_activation(activation) for activation in message.activations],
            "sequence_output": message.sequenceOutput,
            "has_bias_vectors": message.hasBiasVectors,
            "reverse_input": message.reverseInput,
        }

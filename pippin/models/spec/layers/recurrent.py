"""Recurrent layers: simple, GRU, and uni- and bidirectional LSTM."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Final, Literal

from pydantic import AfterValidator, Field

from pippin.models.spec.layer import Message
from pippin.models.spec.recurrent import (
    Recurrent,
    RecurrentActivation,
    SigmoidActivation,
    TanhActivation,
    read_activation,
    write_activation,
)
from pippin.models.spec.values import Flag, Single, Value

GATES: Final = ("input_gate", "forget_gate", "block_input", "output_gate")
"""The four parts of an LSTM's cell in the order of the file; each is a prefix of array names."""


class SimpleRecurrent(Recurrent):
    """`SimpleRecurrentLayerParams` (version 1): (x, y before) to (y, last y).

    x is [sequence, 1, C, 1, 1], y [sequence or 1, 1, output_vector_size, 1, 1]; shapes of the states and of the arrays
    as `Recurrent` says.
    """

    type: Literal["simple_recurrent"] = "simple_recurrent"
    activation: RecurrentActivation = Field(
        default=TanhActivation(), description="The activation of the sum, which gives the next state."
    )
    has_bias_vector: Flag = Field(default=True, description="Whether there is a bias.")
    reverse_input: Flag = Field(
        default=False, description="Whether the sequence is processed from the end to the beginning."
    )
    weights: dict[str, object] | None = Field(
        default=None, repr=False, description="Initial arrays by name: nested lists in the order of the file."
    )

    summary: ClassVar[str] = "Simple recurrent layer."
    proto_path: ClassVar[str] = "simpleRecurrent"
    # Apple's validator requires the state here; for the other recurrent types it is optional.
    input_count: ClassVar[tuple[int, int]] = (2, 2)
    output_count: ClassVar[tuple[int, int]] = (2, 2)

    @property
    def array_names(self) -> tuple[str, ...]:
        """Two matrices, and a bias if the layer has one."""
        matrices = ("weight_matrix", "recursion_matrix")
        return (*matrices, "bias_vector") if self.has_bias_vector else matrices

    def explicit_arrays(self) -> Mapping[str, Mapping[str, object]]:
        """The arrays in `weights`, by run."""
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
    reverse_input: Flag = Field(
        default=False, description="Whether the sequence is processed from the end to the beginning."
    )
    weights: dict[str, object] | None = Field(
        default=None, repr=False, description="Initial arrays by name: nested lists in the order of the file."
    )

    summary: ClassVar[str] = "Gated recurrent unit."
    proto_path: ClassVar[str] = "gru"
    input_count: ClassVar[tuple[int, int]] = (1, 2)
    output_count: ClassVar[tuple[int, int]] = (2, 2)

    @property
    def array_names(self) -> tuple[str, ...]:
        """Three matrices for the input, three for the recursion, and three biases if the layer has biases."""
        kinds = ("weight_matrix", "recursion_matrix", *(("bias_vector",) if self.has_bias_vectors else ()))
        return tuple(f"{gate}_{kind}" for kind in kinds for gate in _GATES)

    def explicit_arrays(self) -> Mapping[str, Mapping[str, object]]:
        """The arrays in `weights`, by run."""
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


class LSTM(Recurrent):
    """The common part of both LSTMs: `LSTMParams` and `LSTMWeightParams`."""

    activations: tuple[RecurrentActivation, RecurrentActivation, RecurrentActivation] = Field(
        default=(SigmoidActivation(), TanhActivation(), TanhActivation()),
        description="[f, g, h]: of the gates, of the block input, and of the cell.",
    )
    has_bias_vectors: Flag = Field(default=True, description="Whether each gate has a bias.")
    forget_bias: Flag = Field(default=False, description="Whether 1 is added before the forget gate's activation.")
    has_peephole_vectors: Flag = Field(
        default=False, description="Whether the gates read the cell (peephole connections)."
    )
    coupled_input_and_forget_gate: Flag = Field(
        default=False, description="Whether the forget gate is replaced by 1 - i."
    )
    cell_clip_threshold: Annotated[Single, Field(ge=0), AfterValidator(lambda value: value or 50.0)] = Field(
        default=50.0, description="Limit of the cell's absolute value; 0 means 50."
    )

    @property
    def array_names(self) -> tuple[str, ...]:
        """Four matrices for the input, four for the recursion, and optionally four biases and three peepholes."""
        matrices = _of(GATES, "weight_matrix") + _of(GATES, "recursion_matrix")
        biases = _of(GATES, "bias_vector") if self.has_bias_vectors else ()
        peeping = tuple(gate for gate in GATES if gate.endswith("gate"))
        return matrices + biases + (_of(peeping, "peephole_vector") if self.has_peephole_vectors else ())

    def write(self, message: Message) -> None:
        """Write the sizes and `LSTMParams`."""
        super().write(message)
        message.params.sequenceOutput = self.sequence_output
        message.params.hasBiasVectors = self.has_bias_vectors
        message.params.forgetBias = self.forget_bias
        message.params.hasPeepholeVectors = self.has_peephole_vectors
        message.params.coupledInputAndForgetGate = self.coupled_input_and_forget_gate
        message.params.cellClipThreshold = self.cell_clip_threshold

    @classmethod
    def read(cls, message: Message) -> dict[str, object]:
        """The sizes and `LSTMParams`."""
        return super().read(message) | {
            "sequence_output": message.params.sequenceOutput,
            "has_bias_vectors": message.params.hasBiasVectors,
            "forget_bias": message.params.forgetBias,
            "has_peephole_vectors": message.params.hasPeepholeVectors,
            "coupled_input_and_forget_gate": message.params.coupledInputAndForgetGate,
            "cell_clip_threshold": message.params.cellClipThreshold,
        }


class UniDirectionalLSTM(LSTM):
    """`UniDirectionalLSTMLayerParams` (version 1): (x, y before, c before) to (y, last y, last c).

    x is [sequence, 1, C, 1, 1], y [sequence or 1, 1, output_vector_size, 1, 1]; shapes of the states and of the arrays
    as `Recurrent` says. The states before may be left out.
    """

    type: Literal["uni_directional_lstm"] = "uni_directional_lstm"
    reverse_input: Flag = Field(
        default=False, description="Whether the sequence is processed from the end to the beginning."
    )
    weights: dict[str, object] | None = Field(
        default=None, repr=False, description="Initial arrays by name: nested lists in the order of the file."
    )

    summary: ClassVar[str] = "Long short-term memory in one direction."
    proto_path: ClassVar[str] = "uniDirectionalLSTM"
    input_count: ClassVar[tuple[int, int]] = (1, 3)
    output_count: ClassVar[tuple[int, int]] = (3, 3)
    trainable: ClassVar[bool] = True
    passes_gradient: ClassVar[bool] = True

    def explicit_arrays(self) -> Mapping[str, Mapping[str, object]]:
        """The arrays in `weights`, by run."""
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

    summary: ClassVar[str] = "Long short-term memory in both directions."
    proto_path: ClassVar[str] = "biDirectionalLSTM"
    input_count: ClassVar[tuple[int, int]] = (1, 5)
    output_count: ClassVar[tuple[int, int]] = (5, 5)
    runs: ClassVar[tuple[str, ...]] = ("forward.", "backward.")

    def explicit_arrays(self) -> Mapping[str, Mapping[str, object]]:
        """The arrays in `weights`, by run."""
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
            raise ValueError("found different activations for backward and forward; needs equal ones")
        if len(message.weightParams) != len(cls.runs):
            raise ValueError(
                f"found {len(message.weightParams)} sets of weights; needs {len(cls.runs)}, one per direction"
            )
        return super().read(message) | {"activations": forward}

    def array_message(self, message: Message, run: str) -> Message:
        """The `LSTMWeightParams` of one direction, added to the message if missing."""
        index = self.runs.index(run)
        while len(message.weightParams) <= index:
            message.weightParams.add()
        return message.weightParams[index]


def _of(gates: tuple[str, ...], what: str) -> tuple[str, ...]:
    return tuple(f"{gate}_{what}" for gate in gates)

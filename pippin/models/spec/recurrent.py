"""The base class of recurrent layers, and their activations."""

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Annotated, ClassVar, Final, Literal, Self

from pydantic import AfterValidator, Field

from pippin.documents.hints import Hints
from pippin.errors import Fault, pointer
from pippin.models.spec.layer import Message
from pippin.models.spec.shapes import shape_text
from pippin.models.spec.values import Channels, Flag, Shape, Single, Value, single
from pippin.models.spec.weighted import Drawn, array_faults

MAX_STEPS: Final = 4096
"""The maximum length of a sequence, whose steps cannot run in parallel on any machine."""


def _only(constant: float) -> Callable[[float], float]:
    def check(value: float) -> float:
        if value != constant:
            raise ValueError(f"found {value}; inside a recurrent layer Core ML has it as {constant} only")
        return value

    return check


class LinearActivation(Value):
    """`ActivationLinear`: x itself."""

    type: Literal["linear"] = "linear"
    alpha: Annotated[Single, AfterValidator(_only(1.0))] = 1.0
    beta: Annotated[Single, AfterValidator(_only(0.0))] = 0.0


class ReLUActivation(Value):
    """`ActivationReLU`: max(0, x)."""

    type: Literal["relu"] = "relu"


class TanhActivation(Value):
    """`ActivationTanh`: tanh(x)."""

    type: Literal["tanh"] = "tanh"


class SigmoidActivation(Value):
    """`ActivationSigmoid`: 1 / (1 + exp(-x))."""

    type: Literal["sigmoid"] = "sigmoid"


class ScaledTanhActivation(Value):
    """`ActivationScaledTanh`: alpha * tanh(beta * x)."""

    type: Literal["scaled_tanh"] = "scaled_tanh"
    alpha: Annotated[Single, AfterValidator(_only(1.7159))] = 1.7159
    beta: Annotated[Single, AfterValidator(_only(single(2 / 3)))] = single(2 / 3)


class SigmoidHardActivation(Value):
    """`ActivationSigmoidHard`: alpha * x + beta, held between 0 and 1."""

    type: Literal["sigmoid_hard"] = "sigmoid_hard"
    alpha: Annotated[Single, AfterValidator(_only(0.2))] = 0.2
    beta: Annotated[Single, AfterValidator(_only(0.5))] = 0.5


RecurrentActivation = Annotated[
    LinearActivation
    | ReLUActivation
    | TanhActivation
    | SigmoidActivation
    | ScaledTanhActivation
    | SigmoidHardActivation,
    Field(discriminator="type"),
]
"""The activations that NeuralNetwork.proto lists for recurrent layers, with the only constants that it supports."""

# The members of `ActivationParams.NonlinearityType`.
_KINDS = {
    "linear": "linear",
    "relu": "ReLU",
    "tanh": "tanh",
    "sigmoid": "sigmoid",
    "scaled_tanh": "scaledTanh",
    "sigmoid_hard": "sigmoidHard",
}


class Recurrent(Drawn):
    """A layer that processes a sequence: [sequence, 1, C, 1, 1] to [sequence or 1, 1, outputs, 1, 1].

    Besides the sequence the layer reads the initial states, which are zeros if left out, and it outputs the final
    states; each state is [1, 1, output_vector_size, 1, 1].
    """

    output_vector_size: Channels = Field(description="Size of the state.")
    input_vector_size: Channels | None = Field(default=None, description="Default: inferred.")
    sequence_output: Flag = Field(default=False, description="Whether to output every step, or only the last one.")

    array_fields: ClassVar[tuple[str, ...]] = ("weights",)
    min_rank: ClassVar[int] = 5
    runs: ClassVar[tuple[str, ...]] = ("",)
    """The prefixes of the layer's array keys, one for each run over the sequence."""

    @property
    @abstractmethod
    def array_names(self) -> tuple[str, ...]:
        """The arrays of one run, in the order of the file.

        A name ends in `weight_matrix`, [output_vector_size, C], in `recursion_matrix`, [output_vector_size,
        output_vector_size], or in `vector`, [output_vector_size].
        """

    @abstractmethod
    def explicit_arrays(self) -> Mapping[str, Mapping[str, object]]:
        """The explicit arrays by name, for each of `runs`; empty if the spec leaves them out."""

    def explicit_array(self, key: str) -> object | None:
        """The explicit array for `key` of `weight_shapes`; None if the spec leaves the array out."""
        run, name = self.run_of(key)
        return self.explicit_arrays().get(run, {}).get(name)

    def run_of(self, key: str) -> tuple[str, str]:
        """The parts of `key`: one of `runs` and one of `array_names`."""
        run = next(run for run in self.runs if key.startswith(run))
        return run, key.removeprefix(run)

    def fill_value(self, key: str) -> float | None:
        """0 for biases and peepholes, and for matrices with the initializer `zeros`."""
        return 0.0 if key.endswith("vector") or self.initializer == "zeros" else None

    def weight_shapes(self, inputs: tuple[Shape, ...]) -> Mapping[str, Shape]:
        """Every array of every run."""
        return {run + name: self._array_shape(name, inputs[0][2]) for run in self.runs for name in self.array_names}

    def _array_shape(self, name: str, channels: int) -> Shape:
        if name.endswith("weight_matrix"):
            return (self.output_vector_size, channels)
        if name.endswith("recursion_matrix"):
            return (self.output_vector_size, self.output_vector_size)
        return (self.output_vector_size,)

    def faults(self, inputs: tuple[Shape, ...]) -> Iterator[Fault]:
        """Faults for inputs that are not a sequence and states of this layer's sizes, and for misfitting arrays."""
        steps, _, channels = inputs[0][:3]
        if inputs[0] != (steps, 1, channels, 1, 1):
            yield Fault(
                "/input",
                f"found a blob of shape {shape_text(inputs[0])}; {self.type} needs a sequence of vectors, "
                "[sequence, 1, C, 1, 1]",
            )
            return
        if steps > MAX_STEPS:
            yield Fault("/input", f"found a sequence of {steps}; needs at most {MAX_STEPS}")
        if self.input_vector_size not in (None, channels):
            yield Fault("/input_vector_size", f"found {self.input_vector_size}; the input has {channels}")
        state = (1, 1, self.output_vector_size, 1, 1)
        for index, shape in enumerate(inputs[1:], start=1):
            if shape != state:
                yield Fault(
                    f"/input/{index}", f"found a blob of shape {shape_text(shape)}; a state here is {shape_text(state)}"
                )
        for run, arrays in self.explicit_arrays().items():
            yield from self._mismatches(run, arrays, channels)

    def _mismatches(self, run: str, arrays: Mapping[str, object], channels: int) -> Iterator[Fault]:
        """Faults for explicit arrays of one run with wrong names or shapes."""
        at = pointer("weights", *run.split(".")[:-1])
        names = self.array_names
        # One hint per layer, since there may be many layers.
        hints = Hints(1)
        unknown = (name for name in arrays if name not in names)
        # Limit the faults, since a document may have millions of unknown names.
        for name in islice(unknown, len(names)):
            yield Fault(at + pointer(name), f"there is no array {name!r} in this layer{hints.text_for(name, names)}")
        for name in names:
            shape = self._array_shape(name, channels)
            if name in arrays:
                yield from (fault.under(at + pointer(name)) for fault in array_faults(arrays[name], shape))
            else:
                yield Fault(
                    at + pointer(name), f"is required: an array of shape {list(shape)}, as `weights` has others"
                )

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        """The outputs of all steps or of the last step, then the final states."""
        steps = inputs[0][0] if self.sequence_output else 1
        sequence_shape = (steps, 1, self.output_vector_size * len(self.runs), 1, 1)
        state = (1, 1, self.output_vector_size, 1, 1)
        return (sequence_shape, *(state for _ in range(self.output_count[1] - 1)))

    def completed(self, inputs: tuple[Shape, ...]) -> Self:
        """Fills in `input_vector_size`."""
        return self.model_copy(update={"input_vector_size": inputs[0][2]})

    def write(self, message: Message) -> None:
        """Write the sizes."""
        message.inputVectorSize = self.input_vector_size
        message.outputVectorSize = self.output_vector_size

    @classmethod
    def read(cls, message: Message) -> dict[str, object]:
        """The sizes."""
        return {"input_vector_size": message.inputVectorSize, "output_vector_size": message.outputVectorSize}

    def weight_message(self, message: Message, key: str) -> Message:
        """The `WeightParams` of the array called `key`."""
        run, name = self.run_of(key)
        return getattr(self.array_message(message, run), proto_field(name))

    def array_message(self, message: Message, run: str) -> Message:  # noqa: ARG002 - most have one run
        """The message that holds the arrays of one of `runs`."""
        return message


def write_activation(activation: RecurrentActivation, message: Message) -> None:
    """Write into an `ActivationParams`, including the constants if the activation has any."""
    inner = getattr(message, _KINDS[activation.type])
    inner.SetInParent()
    if isinstance(activation, LinearActivation | ScaledTanhActivation | SigmoidHardActivation):
        inner.alpha, inner.beta = activation.alpha, activation.beta


def read_activation(message: Message) -> dict[str, object]:
    """The activation in an `ActivationParams` of a recurrent layer.

    coremltools' builder leaves the constants out. Its tests define `linear` and `sigmoidHard` without constants. For
    `scaledTanh` without constants they expect tanh(x), which contradicts the proto, so its constants are required.

    Raises:
        ValueError: The type of the activation is not supported in recurrent layers.
    """
    field = message.WhichOneof("NonlinearityType")
    name = next((name for name, kind in _KINDS.items() if kind == field), None)
    if name is None:
        raise ValueError(f"found an activation of type {field}; a recurrent layer has one of {', '.join(_KINDS)}")
    if name in ("relu", "tanh", "sigmoid"):
        return {"type": name}
    alpha, beta = getattr(message, str(field)).alpha, getattr(message, str(field)).beta
    if name != "scaled_tanh" and alpha == beta == 0:
        return {"type": name}
    return {"type": name, "alpha": alpha, "beta": beta}


def proto_field(name: str) -> str:
    """The proto's name of an array: `updateGateBiasVector` for `update_gate_bias_vector`."""
    first, *others = name.split("_")
    return first + "".join(map(str.capitalize, others))

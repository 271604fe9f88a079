"""Activations: elementwise functions, and softmax."""

from collections.abc import Iterator, Mapping
from typing import ClassVar, Final, Literal, Self

from pydantic import Field

from pippin.errors import Fault
from pippin.models.spec.layer import Bare, Message, ShapeKeeping
from pippin.models.spec.values import Flag, Shape, Single, single
from pippin.models.spec.weighted import Parametric


class AlphaCurve(ShapeKeeping):
    """An elementwise function with one parameter; each type documents its formula."""

    alpha: Single

    def write(self, message: Message) -> None:
        """Write the parameter."""
        message.alpha = self.alpha

    @classmethod
    def read(cls, message: Message) -> dict[str, object]:
        """The parameter."""
        return {"alpha": message.alpha}


class AlphaBetaCurve(AlphaCurve):
    """An elementwise function with two parameters."""

    beta: Single

    def write(self, message: Message) -> None:
        """Write both parameters."""
        super().write(message)
        message.beta = self.beta

    @classmethod
    def read(cls, message: Message) -> dict[str, object]:
        """Both parameters."""
        return super().read(message) | {"beta": message.beta}


class PerChannel(Parametric, ShapeKeeping):
    """An activation with a flag for each of its `array_fields`, named like the field with the prefix `shared_`.

    An array of one number is always shared, regardless of the flag.
    """

    def weight_shapes(self, inputs: tuple[Shape, ...]) -> Mapping[str, Shape]:
        """(C,), or (1,) for a shared number."""
        return {key: (1,) if self._is_shared(key) else inputs[0][-3:-2] for key in self.array_fields}

    def completed(self, inputs: tuple[Shape, ...]) -> Self:
        """Fills in the flags."""
        return self.model_copy(
            update={f"shared_{key}": shape == (1,) for key, shape in self.weight_shapes(inputs).items()}
        )

    def write(self, message: Message) -> None:
        """Write nothing: the arrays' lengths determine the flags."""

    @classmethod
    def read(cls, message: Message) -> dict[str, object]:
        """Which arrays are shared, by their lengths."""
        return {f"shared_{key}": _count(getattr(message, key)) == 1 for key in cls.array_fields}

    def _is_shared(self, key: str) -> bool:
        array = self.explicit_array(key)
        return bool(getattr(self, f"shared_{key}")) or (isinstance(array, list) and len(array) == 1)


def _count(blob: Message) -> int | None:
    """The number of values in a `WeightParams`; None if they are quantised, since their bytes do not determine it."""
    if blob.HasField("quantization"):
        return None
    return len(blob.floatValue) or len(blob.float16Value) // 2


class ReLU(Bare):
    """`ActivationReLU` (version 1): max(0, x) for each number."""

    type: Literal["relu"] = "relu"

    summary: ClassVar[str] = "ReLU: max(0, x) for each number."
    proto_path: ClassVar[str] = "activation.ReLU"
    passes_gradient: ClassVar[bool] = True


class LeakyReLU(AlphaCurve):
    """`ActivationLeakyReLU` (version 1): alpha * x for each number below 0, x for the others."""

    type: Literal["leaky_relu"] = "leaky_relu"
    alpha: Single = Field(description="The slope below 0.")

    summary: ClassVar[str] = "Leaky ReLU: alpha * x for each number below 0."
    proto_path: ClassVar[str] = "activation.leakyReLU"


FIRST_SLOPE: Final = 0.25


class PReLU(PerChannel):
    """`ActivationPReLU` (version 1): alpha[c] * x for each number below 0, x for the others."""

    type: Literal["prelu"] = "prelu"
    alpha: list[object] | None = Field(
        default=None,
        repr=False,
        description="The slopes below 0: one number per channel, or a single one; initially 0.25.",
    )
    shared_alpha: Flag = Field(default=False, description="Whether all channels have the same slope.")

    summary: ClassVar[str] = "PReLU: ReLU with a trained slope below 0 for each channel."
    proto_path: ClassVar[str] = "activation.PReLU"
    min_rank: ClassVar[int] = 3
    array_fields: ClassVar[tuple[str, ...]] = ("alpha",)

    def fill_value(self, key: str) -> float | None:  # noqa: ARG002 - there is one array
        """0.25, the usual value; the proto specifies none."""
        return FIRST_SLOPE


class ELU(AlphaCurve):
    """`ActivationELU` (version 1): alpha * (exp(x) - 1) for each number below 0, x for the others."""

    type: Literal["elu"] = "elu"
    alpha: Single = Field(description="The negative of the limit for x to -infinity.")

    summary: ClassVar[str] = "ELU: alpha * (exp(x) - 1) for each number below 0."
    proto_path: ClassVar[str] = "activation.ELU"


class ThresholdedReLU(AlphaCurve):
    """`ActivationThresholdedReLU` (version 1): 0 for each number below alpha, x for the others."""

    type: Literal["thresholded_relu"] = "thresholded_relu"
    alpha: Single = Field(description="The threshold: smaller numbers become 0.")

    summary: ClassVar[str] = "Thresholded ReLU: 0 for each number below alpha."
    proto_path: ClassVar[str] = "activation.thresholdedReLU"


class Sigmoid(Bare):
    """`ActivationSigmoid` (version 1): 1 / (1 + exp(-x)) for each number."""

    type: Literal["sigmoid"] = "sigmoid"

    summary: ClassVar[str] = "Sigmoid: 1 / (1 + exp(-x)) for each number."
    proto_path: ClassVar[str] = "activation.sigmoid"
    passes_gradient: ClassVar[bool] = True


class SigmoidHard(AlphaBetaCurve):
    """`ActivationSigmoidHard` (version 1): alpha * x + beta for each number, cut off at 0 and 1."""

    type: Literal["sigmoid_hard"] = "sigmoid_hard"
    alpha: Single = Field(description="The slope.")
    beta: Single = Field(description="The value at 0.")

    summary: ClassVar[str] = "Hard sigmoid: alpha * x + beta for each number, cut off at 0 and 1."
    proto_path: ClassVar[str] = "activation.sigmoidHard"


class Tanh(Bare):
    """`ActivationTanh` (version 1): tanh(x) for each number."""

    type: Literal["tanh"] = "tanh"

    summary: ClassVar[str] = "Tanh: tanh(x) for each number."
    proto_path: ClassVar[str] = "activation.tanh"
    passes_gradient: ClassVar[bool] = True


class ScaledTanh(AlphaBetaCurve):
    """`ActivationScaledTanh` (version 1): alpha * tanh(beta * x) for each number."""

    type: Literal["scaled_tanh"] = "scaled_tanh"
    alpha: Single = Field(description="Factor of the tangent.")
    beta: Single = Field(description="Factor of x.")

    summary: ClassVar[str] = "Scaled tanh: alpha * tanh(beta * x) for each number."
    proto_path: ClassVar[str] = "activation.scaledTanh"


class Softplus(Bare):
    """`ActivationSoftplus` (version 1): log(1 + exp(x)) for each number."""

    type: Literal["softplus"] = "softplus"

    summary: ClassVar[str] = "Softplus: log(1 + exp(x)) for each number."
    proto_path: ClassVar[str] = "activation.softplus"


class ParametricSoftplus(PerChannel):
    """`ActivationParametricSoftplus` (version 1): alpha[c] * log(1 + exp(beta[c] * x)) for each number."""

    type: Literal["parametric_softplus"] = "parametric_softplus"
    alpha: list[object] | None = Field(
        default=None,
        repr=False,
        description="Factors of the result: one number per channel, or a single one; initially 1.",
    )
    beta: list[object] | None = Field(
        default=None, repr=False, description="Factors of x: one number per channel, or a single one; initially 1."
    )
    shared_alpha: Flag = Field(default=False, description="Whether all channels have the same alpha.")
    shared_beta: Flag = Field(default=False, description="Whether all channels have the same beta.")

    summary: ClassVar[str] = "Parametric softplus: softplus with two parameters for each channel."
    proto_path: ClassVar[str] = "activation.parametricSoftplus"
    min_rank: ClassVar[int] = 3
    array_fields: ClassVar[tuple[str, ...]] = ("alpha", "beta")

    def fill_value(self, key: str) -> float | None:  # noqa: ARG002 - the same for both
        """Ones: the plain softplus."""
        return 1.0


class Softsign(Bare):
    """`ActivationSoftsign` (version 1): x / (1 + |x|) for each number."""

    type: Literal["softsign"] = "softsign"

    summary: ClassVar[str] = "Softsign: x / (1 + |x|) for each number."
    proto_path: ClassVar[str] = "activation.softsign"


class Linear(AlphaBetaCurve):
    """`ActivationLinear` (version 1): alpha * x + beta for each number."""

    type: Literal["linear"] = "linear"
    alpha: Single = Field(description="The slope.")
    beta: Single = Field(default=0.0, description="The value at 0.")

    summary: ClassVar[str] = "Linear: alpha * x + beta for each number."
    proto_path: ClassVar[str] = "activation.linear"


class Clip(ShapeKeeping):
    """`ClipLayerParams` (version 4): min(max(x, min_val), max_val) for each number."""

    type: Literal["clip"] = "clip"
    min_val: Single = Field(description="The minimum of the output.")
    max_val: Single = Field(description="The maximum of the output.")

    summary: ClassVar[str] = "Clip: each number limited to an interval."
    proto_path: ClassVar[str] = "clip"
    min_version: ClassVar[int] = 4

    def faults(self, inputs: tuple[Shape, ...]) -> Iterator[Fault]:  # noqa: ARG002 - it takes any shape
        """A fault for an empty interval."""
        if self.min_val > self.max_val:
            yield Fault("/min_val", f"found {self.min_val} above max_val {self.max_val}; needs no more than that")

    def write(self, message: Message) -> None:
        """Write both limits."""
        message.minVal, message.maxVal = self.min_val, self.max_val

    @classmethod
    def read(cls, message: Message) -> dict[str, object]:
        """Both limits."""
        return {"min_val": single(message.minVal), "max_val": single(message.maxVal)}


class Softmax(Bare):
    """`SoftmaxLayerParams` (version 1): exp(x) / sum(exp(x)) over the channels, the last axis but two.

    For a blob of rank 3, which only a model with EXACT mapping has, it is over the last axis: this is the observed
    behaviour of the runtime (coremltools issue 1714), which contradicts the documentation.
    """

    type: Literal["softmax"] = "softmax"

    summary: ClassVar[str] = "Softmax: turns numbers into a probability distribution."
    proto_path: ClassVar[str] = "softmax"
    min_rank: ClassVar[int] = 3

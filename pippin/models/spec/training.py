"""The losses and the optimizers that Core ML trains with."""

from collections.abc import Callable
from typing import Annotated, ClassVar, Final, Literal

from pydantic import AfterValidator, Field

from pippin.models.spec.parameters import DoubleParameter, IntegerParameter
from pippin.models.spec.values import Name, Value


class _Loss(Value):
    name: Name | None = Field(default=None, description="Default: loss.")
    input: Name | None = Field(
        default=None, description="The blob to compare with the target. Default: the output of the last layer."
    )
    target: Name | None = Field(
        default=None,
        description="The training input with the true values. Default: the one that is not a model input, or the "
        "input's name with _true added.",
    )


class CategoricalCrossEntropy(_Loss):
    """`CategoricalCrossEntropyLossLayer`: -ln(input[target]) of a softmax; the target is one class index."""

    type: Literal["categorical_cross_entropy"] = "categorical_cross_entropy"

    proto_field: ClassVar[str] = "categoricalCrossEntropyLossLayer"


class MeanSquaredError(_Loss):
    """`MeanSquaredErrorLossLayer`: the mean of (input - target)² over a batch and its outputs."""

    type: Literal["mean_squared_error"] = "mean_squared_error"

    proto_field: ClassVar[str] = "meanSquaredErrorLossLayer"


Loss = Annotated[CategoricalCrossEntropy | MeanSquaredError, Field(discriminator="type")]


def _not_negative(value: float) -> str | None:
    return None if value >= 0 else "0 or more"


def _share(value: float) -> str | None:
    return None if 0 <= value <= 1 else "a number from 0 to 1"


def _decay(value: float) -> str | None:
    return None if 0 <= value < 1 else "a number from 0 to less than 1, since Adam divides by 1 minus its powers"


def _divisor(value: float) -> str | None:
    return None if value >= _SMALLEST_FLOAT32 else f"a positive float32 ({_SMALLEST_FLOAT32} or more)"


_SMALLEST_FLOAT32: Final = 1.1754943508222875e-38

_NEEDS: Final[dict[str, Callable[[float], str | None]]] = {
    "learning_rate": _not_negative,
    "momentum": _share,
    "beta1": _decay,
    "beta2": _decay,
    "eps": _divisor,
}


def invalid_reason(name: str, value: float) -> str | None:
    """The valid values, if no optimizer can train with `value` for the parameter `name`; else None.

    Core ML's validator does not check these values if a model sets no range; the losses then become NaN.
    """
    return _NEEDS[name](value) if name in _NEEDS else None


def _validated(name: str) -> AfterValidator:
    def check(parameter: DoubleParameter) -> DoubleParameter:
        if needed := invalid_reason(name, parameter.default):
            raise ValueError(f"found default {parameter.default}; needs {needed}")
        return parameter

    return AfterValidator(check)


LearningRate = Annotated[DoubleParameter, _validated("learning_rate")]
Momentum = Annotated[DoubleParameter, _validated("momentum")]
Beta1 = Annotated[DoubleParameter, _validated("beta1")]
Beta2 = Annotated[DoubleParameter, _validated("beta2")]
Eps = Annotated[DoubleParameter, _validated("eps")]


class SGD(Value):
    """`SGDOptimizer`: v ← momentum·v + learning_rate·g; w ← w - v. Without momentum, w ← w - learning_rate·g."""

    type: Literal["sgd"] = "sgd"
    learning_rate: LearningRate = Field(description="Step size.")
    mini_batch_size: IntegerParameter = Field(description="Number of examples per step.")
    momentum: Momentum | None = Field(default=None, description="Default: the model declares none.")

    proto_field: ClassVar[str] = "sgdOptimizer"


class Adam(Value):
    """`AdamOptimizer`: moments with bias correction; the file must hold all five parameters."""

    type: Literal["adam"] = "adam"
    learning_rate: LearningRate = Field(description="Step size.")
    mini_batch_size: IntegerParameter = Field(description="Number of examples per step.")
    beta1: Beta1 = Field(description="The decay of the mean gradient, usually 0.9.")
    beta2: Beta2 = Field(description="The decay of the mean squared gradient, usually 0.999.")
    eps: Eps = Field(description="Added to the divisor to keep it above 0, usually 1e-8.")

    proto_field: ClassVar[str] = "adamOptimizer"


Optimizer = Annotated[SGD | Adam, Field(discriminator="type")]

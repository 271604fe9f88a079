"""The losses that Core ML trains with."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from pippin.models.spec.values import Name, Value


class _Loss(Value):
    name: Name | None = Field(default=None, description="Left out: loss.")
    input: Name | None = Field(default=None, description="The blob to judge; left out, what the last layer makes.")
    target: Name | None = Field(
        default=None,
        description="The training input that holds the truth; left out, the one that is no model input, "
        "or the input's name with _true added.",
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

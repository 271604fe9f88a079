"""Types of predictions and evaluations in the REST interface. Plain values only, so that a client imports no more."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

Part = Literal["all", "held_out", "trained_on"]
"""Which rows of a split are evaluated: all, those that the job held out, or those that it trained on."""


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, allow_inf_nan=False)


class Choice(_Value):
    """A class and its probability."""

    label: str | int = Field(description="The class's name, or its number if it has no name.")
    probability: float | None = Field(description="From 0 to 1; null if the model's output is not a number.")


class Prediction(_Value):
    """The outputs of a model for a batch of examples."""

    outputs: dict[str, JsonValue] = Field(
        description="Outputs by name, nested as the model declares them, examples first; a classifier's label as a "
        "value, its probabilities as an object by label. Numbers that are not finite are null."
    )
    labels: list[str] | list[int] | None = Field(
        description="Class names by index, from the model or else from the dataset that it was trained on; null "
        "without names."
    )
    top: list[list[Choice]] | None = Field(
        description="The most probable classes of each example, most probable first; null if the model has no classes."
    )


class EvaluationRequest(BaseModel):
    """The examples to evaluate a model on."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    dataset: str = Field(description="A dataset's id or name.")
    split: str | None = Field(
        default=None,
        description="The split to measure on. Default: on the job's own dataset the split of which the job held out "
        "a share; else `test`, `validation` or any other split that was not trained on; else the first.",
    )
    part: Part | None = Field(
        default=None,
        description="Which rows of the split: `held_out` takes those that the job held out with `validation_fraction`, "
        "`trained_on` those that it trained on, `all` every one. Default: `held_out` where neither `split` nor `part` "
        "is given and the job held out a share of the dataset; else `all`.",
    )
    bind: dict[str, str] | None = Field(
        default=None,
        description="Dataset feature name by training input name; by default the job's own binding, on its own "
        "dataset.",
    )
    max_examples: int | None = Field(
        default=None, ge=1, description="Maximum number of examples, spread evenly over the rows."
    )


class Confusion(_Value):
    """A confusion matrix: counts of true and predicted classes."""

    labels: list[str] | list[int] = Field(description="Class names of the rows and columns.")
    matrix: list[list[int]] = Field(description="One row per true class, one column per predicted class.")


class Mistake(_Value):
    """A misclassified example."""

    row: int = Field(description="Row in the split, from 0.")
    label: str | int = Field(description="The true class.")
    predicted: str | int
    probability: float | None = Field(description="Probability of the predicted class.")


class LargestError(_Value):
    """An example for which the output of a model without classes differs from the target."""

    row: int = Field(description="Row in the split, from 0.")
    expected: list[float | None] = Field(
        description="The first 16 values of the target, scaled as for the training; null where one is not finite."
    )
    predicted: list[float | None] = Field(description="The model's outputs for these values.")
    values: int = Field(description="Number of values of the target.")
    loss: float | None = Field(description="Loss of this example; null if it is not finite.")


class Evaluation(_Value):
    """The quality of a model on some examples."""

    loss: float | None = Field(description="Mean loss; null for a model without a loss, and if it is not finite.")
    accuracy: float | None = Field(description="Share of examples whose most probable class is the true class.")
    examples: int = Field(description="Number of measured examples.")
    confusion: Confusion | None = Field(description="Null without classes, and with more than 1,000.")
    worst: list[Mistake] = Field(description="The wrong predictions with the highest probability, highest first.")
    largest_errors: list[LargestError] = Field(
        default=[],
        description="For a model without classes: the examples with the largest loss, largest first. Empty for a "
        "model with classes.",
    )


class EvaluationReport(Evaluation):
    """An evaluation, and the examples that it used."""

    dataset: str = Field(description="The dataset's id.")
    split: str
    part: Part = Field(
        default="all",
        description="Measured rows of the split: all, those that the job held out, or those that it trained on.",
    )
    seen_in_training: int | None = Field(
        default=None,
        description="Number of measured examples that the model was trained on, by this job or by a job whose model "
        "it continues; 0 if there are none. Null if it is not known: for a dataset that none of these jobs was "
        "trained on, and if the record of one of these jobs was deleted. The training of an uploaded model is not "
        "counted.",
    )
    notice: str | None = Field(
        default=None,
        description="A sentence if the figures may not show how good the model is on new examples; otherwise null.",
    )
    seconds: float = Field(description="Duration of the evaluation in seconds.")

"""Types of predictions and evaluations in the REST interface. Plain values only, so that a client imports no more."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

Part = Literal["all", "held_out", "trained_on"]
"""Which rows of a split are evaluated: all, those that the job held out, or those that it trained on."""


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, allow_inf_nan=False)


class Choice(_Value):
    """A class and its probability."""

    label: str | int = Field(description="The class's name, or its number where it has none.")
    probability: float | None = Field(description="From 0 to 1; null where the model has come to no number.")


class Prediction(_Value):
    """The outputs of a model for a batch of examples."""

    outputs: dict[str, JsonValue] = Field(
        description="By name, nested as the model declares them, batch first; a classifier's label as it is, its "
        "probabilities as an object a label. What is not a finite number is null."
    )
    labels: list[str] | list[int] | None = Field(
        description="What the classes are called, by index: as the model has it, else as the dataset that it was "
        "trained on; null without names."
    )
    top: list[list[Choice]] | None = Field(
        description="The likeliest classes of each example, the likeliest first; null where the model has no classes."
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
        description="Training input name -> dataset feature name; by default the job's own, on its own dataset.",
    )
    max_examples: int | None = Field(
        default=None, ge=1, description="At most so many examples, spread evenly over the rows."
    )


class Confusion(_Value):
    """A confusion matrix: counts of true and predicted classes."""

    labels: list[str] | list[int] = Field(description="What the rows and columns stand for.")
    matrix: list[list[int]] = Field(description="A row for each true class, a column for each predicted one.")


class Mistake(_Value):
    """A misclassified example."""

    row: int = Field(description="Where it stands in the split, from 0.")
    label: str | int = Field(description="Its class.")
    predicted: str | int
    probability: float | None = Field(description="Of the predicted class.")


class LargestError(_Value):
    """An example for which the output of a model without classes differs from the target."""

    row: int = Field(description="Where it stands in the split, from 0.")
    expected: list[float | None] = Field(
        description="The first 16 values of the target, scaled as for the training; null where one is not finite."
    )
    predicted: list[float | None] = Field(description="What the model gives in their place.")
    values: int = Field(description="How many values the target has.")
    loss: float | None = Field(description="Of this example; null where it is not finite.")


class Evaluation(_Value):
    """The quality of a model on some examples."""

    loss: float | None = Field(description="The mean; null for a model without one, and where it is not finite.")
    accuracy: float | None = Field(description="The share of examples whose likeliest class is theirs.")
    examples: int = Field(description="How many were looked at.")
    confusion: Confusion | None = Field(description="Null without classes, and with more than 1,000.")
    worst: list[Mistake] = Field(description="The mistakes that the model was surest of, the surest first.")
    largest_errors: list[LargestError] = Field(
        default=[],
        description="Of a model without classes: the examples with the largest loss, the largest first. "
        "Empty with classes.",
    )


class EvaluationReport(Evaluation):
    """An evaluation, and the examples that it used."""

    dataset: str = Field(description="The dataset's id.")
    split: str
    part: Part = Field(
        default="all",
        description="Which rows of the split were measured: every one, those that the job held out, or those that it "
        "trained on.",
    )
    seen_in_training: int | None = Field(
        default=None,
        description="How many of the measured examples the model was trained on, by this job or by one whose model it "
        "continues; 0 where none was. Null where it is not known: for a dataset that none of these jobs has trained "
        "on, and where one of these jobs is no longer on record. What an uploaded model was trained on is not counted.",
    )
    notice: str | None = Field(
        default=None,
        description="A sentence where the figures may not tell how good the model is on new examples; null where "
        "they do.",
    )
    seconds: float = Field(description="How long it took.")

"""What the REST contract says of predictions and evaluations: values alone, so that whoever asks imports no more."""

from pydantic import BaseModel, ConfigDict, Field, JsonValue


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, allow_inf_nan=False)


class Choice(_Value):
    """A class and how likely it is."""

    label: str | int = Field(description="The class's name, or its number where it has none.")
    probability: float | None = Field(description="From 0 to 1; null where the model has come to no number.")


class Prediction(_Value):
    """What a model answers to a batch of examples."""

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
    """What a model is to be measured on."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    dataset: str = Field(description="A dataset's id or name.")
    split: str | None = Field(
        default=None, description="The split to measure on; default `test`, else `validation`, else the first."
    )
    bind: dict[str, str] | None = Field(
        default=None,
        description="Training input name -> dataset feature name; by default the job's own, on its own dataset.",
    )
    max_examples: int | None = Field(
        default=None, ge=1, description="At most so many examples, spread evenly over the split."
    )


class Confusion(_Value):
    """How often which class was taken for which."""

    labels: list[str] | list[int] = Field(description="What the rows and columns stand for.")
    matrix: list[list[int]] = Field(description="A row for each true class, a column for each predicted one.")


class Mistake(_Value):
    """An example that was taken for another class than its own."""

    row: int = Field(description="Where it stands in the split, from 0.")
    label: str | int = Field(description="Its class.")
    predicted: str | int
    probability: float | None = Field(description="Of the predicted class.")


class Evaluation(_Value):
    """How good a model is on some examples."""

    loss: float | None = Field(description="The mean; null for a model without one, and where it is not finite.")
    accuracy: float | None = Field(description="The share of examples whose likeliest class is theirs.")
    examples: int = Field(description="How many were looked at.")
    confusion: Confusion | None = Field(description="Null without classes, and with more than 1,000.")
    worst: list[Mistake] = Field(description="The mistakes that the model was surest of, the surest first.")


class EvaluationReport(Evaluation):
    """The same, and what was evaluated."""

    dataset: str = Field(description="The dataset's id.")
    split: str
    seconds: float = Field(description="How long it took.")

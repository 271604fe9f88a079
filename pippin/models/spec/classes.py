"""What a model says about its answer beside the numbers: the classes of a classifier, the quantity of a regressor."""

from typing import Annotated, Literal

from pydantic import Field

from pippin.models.spec.values import Name, Value, Whole

MOST_CLASSES = 100_000


class Classifier(Value):
    """`NeuralNetworkClassifier`: the classes' names, and under which names the answer is given."""

    labels: tuple[Annotated[str, Field(max_length=1000)], ...] | tuple[Whole, ...] = Field(
        min_length=1, max_length=MOST_CLASSES, description="The classes, all texts or all whole numbers, by index."
    )
    predicted_feature: Name = Field(default="classLabel", description="The output that names the likeliest class.")
    probabilities: Name | None = Field(
        default=None, description="The output that holds each class's probability; left out, there is none."
    )
    blob: Name | None = Field(
        default=None, description="The blob that holds the probabilities; left out, what the last layer makes."
    )

    @property
    def label_type(self) -> Literal["string", "int64"]:
        """How the file keeps the labels."""
        return "string" if isinstance(self.labels[0], str) else "int64"


class Regressor(Value):
    """`NeuralNetworkRegressor`: the output that holds the predicted quantity."""

    predicted_feature: Name

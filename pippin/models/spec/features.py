"""Inputs and outputs of a model: named features, a classifier's classes, a regressor's quantity."""

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import (
    Discriminator,
    Field,
    Tag,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    field_validator,
)

from pippin.models.spec.explain import shown
from pippin.models.spec.values import Dimension, Name, Shape, Single, Value, Whole


class ArrayFeature(Value):
    """An array: `ArrayFeatureType`."""

    name: Name
    shape: tuple[Dimension, ...] | None = Field(
        default=None,
        min_length=1,
        max_length=5,
        description="Shape of one example: [C] for a vector, [C, H, W] for an image-like array; optional for an "
        "output.",
    )
    type: Literal["float", "double", "int"] = Field(
        default="float", description="float is FLOAT32, double DOUBLE, int INT32."
    )

    @property
    def lengths(self) -> Shape:
        """The shape; every array of a resolved spec has one."""
        assert self.shape is not None
        return self.shape


class ImageFeature(Value):
    """An image: `ImageFeatureType`, and the `NeuralNetworkImageScaler` that changes it before the first layer.

    A layer sees scale·x + bias of the pixels 0 to 255.
    """

    name: Name
    type: Literal["image"] = "image"
    color: Literal["gray", "rgb", "bgr"] = "rgb"
    width: Annotated[int, Field(strict=True, ge=1, le=2**14)]
    height: Annotated[int, Field(strict=True, ge=1, le=2**14)]
    scale: Single = Field(default=1.0, description="Factor of each pixel.")
    bias: Single | tuple[Single, Single, Single] = Field(
        default=0.0, description="Summand after that: one number, or one per channel in the order of `color`."
    )

    @field_validator("bias", mode="wrap")
    @classmethod
    def _one_bias_a_channel(
        cls, bias: object, handler: ValidatorFunctionWrapHandler, info: ValidationInfo
    ) -> float | tuple[float, float, float]:
        is_gray = info.data.get("color") == "gray"
        try:
            read: float | tuple[float, float, float] = handler(bias)
        except ValidationError:
            # Pydantic would report one error for each of the two forms.
            needs = "one finite number" if is_gray else "one finite number, or three"
            raise ValueError(f"found {shown(bias)}; needs {needs}") from None
        if isinstance(read, tuple) and is_gray:
            raise ValueError("found three numbers; a gray image has one channel and needs one number")
        return read

    @property
    def lengths(self) -> Shape:
        """(channels, height, width)."""
        return (1 if self.color == "gray" else 3, self.height, self.width)

    @property
    def biases(self) -> tuple[float, ...]:
        """One number per channel."""
        return self.bias if isinstance(self.bias, tuple) else (self.bias,) * self.lengths[0]


class LabelFeature(Value):
    """A class by its own name: `StringFeatureType` or `Int64FeatureType`."""

    name: Name
    type: Literal["string", "int64"]

    @property
    def lengths(self) -> Shape:
        """(1,): one label per example."""
        return (1,)


class NumberFeature(Value):
    """A single number: `DoubleFeatureType`, what a regressor may answer."""

    name: Name
    type: Literal["number"]

    @property
    def lengths(self) -> Shape:
        """(1,): one number per example."""
        return (1,)


class DictionaryFeature(Value):
    """The probability of each class: `DictionaryFeatureType`, what a classifier may answer."""

    name: Name
    type: Literal["dictionary"]
    keys: Literal["string", "int64"] = Field(default="string", description="Type of the class names.")

    @property
    def lengths(self) -> Shape:
        """(): a dictionary is not an array."""
        return ()


_KINDS: dict[object, str] = {
    "image": "image",
    "string": "label",
    "int64": "label",
    "number": "number",
    "dictionary": "dictionary",
}


def _kind(value: Any) -> str:  # noqa: ANN401 - pydantic hands over whatever the document holds
    kind = value.get("type") if isinstance(value, dict) else getattr(value, "type", None)
    return _KINDS.get(kind, "array") if isinstance(kind, str) else "array"


Feature: TypeAlias = Annotated[
    Annotated[ArrayFeature, Tag("array")]
    | Annotated[ImageFeature, Tag("image")]
    | Annotated[LabelFeature, Tag("label")]
    | Annotated[NumberFeature, Tag("number")]
    | Annotated[DictionaryFeature, Tag("dictionary")],
    Discriminator(_kind),
]
"""A model input, a model output or a training input; without a `type` it is an array of `float`."""


MAX_CLASSES = 100_000


class Classifier(Value):
    """`NeuralNetworkClassifier`: the classes' names, and under which names the answer is given."""

    labels: tuple[Annotated[str, Field(max_length=1000)], ...] | tuple[Whole, ...] = Field(
        min_length=1, max_length=MAX_CLASSES, description="The classes by index, all texts or all whole numbers."
    )
    predicted_feature: Name = Field(default="classLabel", description="The output with the most probable class.")
    probabilities: Name | None = Field(
        default=None, description="The output with the probability of each class. Default: none."
    )
    blob: Name | None = Field(
        default=None, description="The blob with the probabilities. Default: the output of the last layer."
    )

    @property
    def label_type(self) -> Literal["string", "int64"]:
        """The type of the labels in the file."""
        return "string" if isinstance(self.labels[0], str) else "int64"


class Regressor(Value):
    """`NeuralNetworkRegressor`: the output that holds the predicted quantity."""

    predicted_feature: Name

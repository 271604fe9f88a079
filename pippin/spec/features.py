"""The named arrays that go into a model and come out of it."""

from typing import Literal

from pydantic import Field

from pippin.spec.values import Dimension, Name, Value


class Feature(Value):
    """A model input, a model output or a training input: an `ArrayFeatureType` of the file."""

    name: Name
    shape: tuple[Dimension, ...] = Field(
        min_length=1, max_length=5, description="One example's: [C] for a vector, [C, H, W] for an image-like array."
    )
    type: Literal["float", "double", "int"] = Field(
        default="float", description="float is FLOAT32, double DOUBLE, int INT32."
    )

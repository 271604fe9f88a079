"""The spec: the JSON description of a model and its training."""

from typing import Final

from pydantic import Field

from pippin.models.spec.features import Classifier, Feature, Regressor
from pippin.models.spec.parameters import IntegerParameter, SeedParameter
from pippin.models.spec.shapes import ArrayMapping, ImageMapping
from pippin.models.spec.table import AnyLayer
from pippin.models.spec.training import Loss, Optimizer
from pippin.models.spec.values import Flag, Natural, Text, Value

MAX_LAYERS: Final = 2_000


class NetworkSpec(Value):
    """A network that predicts, in the spec language."""

    version: int = Field(default=4, strict=True, ge=1, le=10, description="The file's specification version.")
    short_description: Text = ""
    author: Text = ""
    license: Text = ""
    version_string: Text = Field(default="", description="The author's own name for this version of the model.")
    user_defined: dict[str, Text] = Field(default_factory=dict, max_length=1000)
    inputs: tuple[Feature, ...] = Field(min_length=1, max_length=1000, description="Inputs of a prediction.")
    outputs: tuple[Feature, ...] | None = Field(
        default=None,
        min_length=1,
        max_length=1000,
        description="Outputs of a prediction; optional for a classifier.",
    )
    layers: tuple[AnyLayer, ...] = Field(
        min_length=1, max_length=MAX_LAYERS, description="In the order of computation."
    )
    classifier: Classifier | None = Field(default=None, description="The classes of a classifier.")
    regressor: Regressor | None = Field(default=None, description="The predicted quantity of a regressor.")
    array_input_shape_mapping: ArrayMapping = Field(
        default="rank5",
        description="Whether layers read an array as (sequence, 1, C, H, W), or exactly as it is declared.",
    )
    image_input_shape_mapping: ImageMapping = Field(
        default="rank5", description="Whether layers read an image as (1, 1, C, H, W) or as (1, C, H, W)."
    )

    def document(self) -> dict[str, object]:
        """This spec as a JSON document without null fields."""
        return self.model_dump(mode="json", exclude_none=True)


class ModelSpec(NetworkSpec):
    """A model in the spec language, as written or, inside a `ResolvedSpec`, with everything filled in."""

    version: int = Field(default=4, strict=True, ge=4, le=10, description="The file's specification version.")
    training_inputs: tuple[Feature, ...] | None = Field(
        default=None, description="Default: every model input, then the loss's target."
    )
    loss: Loss = Field(description="Exactly one loss.")
    optimizer: Optimizer = Field(description="The optimizer of the weights.")
    epochs: IntegerParameter = Field(description="Number of passes through all examples.")
    shuffle: Flag = Field(default=True, description="Whether each epoch shuffles the examples.")
    seed: SeedParameter = Field(
        default=SeedParameter(default=0), description="Seed of the order of the examples, any 64-bit integer."
    )
    initial_seed: Natural = Field(default=0, description="Seed of the initial weights.")

"""What a spec describes, for a person or a script: shapes and parameter counts."""

from pydantic import BaseModel, ConfigDict, Field

from pippin.spec.features import Feature
from pippin.spec.resolved import ResolvedLayer, ResolvedSpec


class _Summary(BaseModel):
    model_config = ConfigDict(frozen=True)


class LayerSummary(_Summary):
    """A layer with what was inferred about it."""

    name: str
    type: str
    inputs: list[str] = Field(description="The blobs that it reads.")
    outputs: list[str] = Field(description="The blobs that it makes.")
    output_shapes: list[list[int]] = Field(description="One a blob, of one example: [C, H, W] or [C].")
    weight_shapes: dict[str, list[int]] = Field(description="By `weights` and `bias`, in the order of the file.")
    parameter_count: int
    updatable: bool


class FeatureSummary(_Summary):
    """An input or output of the model."""

    name: str
    shape: list[int]
    type: str


class SpecSummary(_Summary):
    """A model as its spec describes it."""

    inputs: list[FeatureSummary]
    outputs: list[FeatureSummary]
    training_inputs: list[FeatureSummary] = Field(description="What a training example holds.")
    layers: list[LayerSummary] = Field(description="In the order in which they are computed.")
    parameter_count: int


def summary(resolved: ResolvedSpec) -> SpecSummary:
    """What a spec that is known to be right describes."""
    spec = resolved.spec
    return SpecSummary(
        inputs=[_feature(feature) for feature in spec.inputs],
        outputs=[_feature(feature) for feature in spec.outputs],
        training_inputs=[_feature(feature) for feature in spec.training_inputs or ()],
        layers=[_layer(layer) for layer in resolved.layers],
        parameter_count=resolved.parameter_count,
    )


def _feature(feature: Feature) -> FeatureSummary:
    return FeatureSummary(name=feature.name, shape=list(feature.shape), type=feature.type)


def _layer(resolved: ResolvedLayer) -> LayerSummary:
    return LayerSummary(
        name=resolved.layer.name,
        type=resolved.layer.type,
        inputs=list(resolved.inputs),
        outputs=list(resolved.outputs),
        output_shapes=[list(shape) for shape in resolved.output_shapes],
        weight_shapes={name: list(shape) for name, shape in resolved.weight_shapes.items()},
        parameter_count=resolved.parameter_count,
        updatable=resolved.layer.updatable,
    )

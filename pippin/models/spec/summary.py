"""The summary of a spec: shapes, parameter counts and hyperparameters."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from pippin.models.spec.features import ArrayFeature, Feature, ImageFeature
from pippin.models.spec.findings import Finding
from pippin.models.spec.parameters import DoubleParameter, IntegerParameter
from pippin.models.spec.resolved import ResolvedLayer, ResolvedNetwork, ResolvedSpec
from pippin.models.spec.shapes import short
from pippin.models.spec.training import Optimizer


class _Summary(BaseModel):
    model_config = ConfigDict(frozen=True)


class LayerSummary(_Summary):
    """A layer with what was inferred about it."""

    name: str
    type: str
    inputs: list[str] = Field(description="The input blobs.")
    outputs: list[str] = Field(description="The output blobs.")
    output_shapes: list[list[int]] = Field(description="One shape per blob, of one example: [C, H, W] or [C].")
    weight_shapes: dict[str, list[int]] = Field(
        description="Shapes by name, such as `weights` and `bias`, in the file's order."
    )
    parameter_count: int
    updatable: bool


class FeatureSummary(_Summary):
    """An input or output of the model."""

    name: str
    shape: list[int] | None = Field(description="Shape of one example; null if the feature is not an array.")
    type: str
    color: str | None = Field(default=None, description="Color layout of an image: gray, rgb or bgr.")


class ParameterSummary(_Summary):
    """A hyperparameter that the model declares. With no limits given, any number is admitted that makes sense."""

    default: float | int
    minimum: float | int | None = None
    maximum: float | int | None = None
    allowed: list[int] | None = Field(default=None, description="The only allowed values.")


class NetworkSummary(_Summary):
    """A network that predicts."""

    kind: Literal["neural_network", "neural_network_classifier", "neural_network_regressor"]
    inputs: list[FeatureSummary]
    outputs: list[FeatureSummary]
    layers: list[LayerSummary] = Field(description="In the order of computation.")
    parameter_count: int
    labels: list[str] | list[int] | None = Field(description="A classifier's classes; null for other models.")


class SpecSummary(NetworkSummary):
    """A network that can be trained, as its spec describes it."""

    training_inputs: list[FeatureSummary] = Field(description="Features of a training example.")
    loss: str
    optimizer: str
    hyperparameters: dict[str, ParameterSummary] = Field(description="Hyperparameters with defaults and limits.")
    findings: list[Finding] = Field(description="Known problems of models that Core ML accepts.")


def summary(resolved: ResolvedSpec) -> SpecSummary:
    """The summary of a resolved spec."""
    spec = resolved.spec
    return SpecSummary(
        **dict(network_summary(resolved)),
        training_inputs=[feature_summary(feature) for feature in resolved.training_inputs],
        loss=spec.loss.type,
        optimizer=spec.optimizer.type,
        hyperparameters={"epochs": parameter_summary(spec.epochs)} | _of_the_optimizer(spec.optimizer),
        findings=list(resolved.findings),
    )


def network_summary(resolved: ResolvedNetwork) -> NetworkSummary:
    """The summary of a resolved network."""
    spec = resolved.spec
    return NetworkSummary(
        kind="neural_network_classifier"
        if spec.classifier
        else "neural_network_regressor"
        if spec.regressor
        else "neural_network",
        inputs=[feature_summary(feature) for feature in resolved.inputs],
        outputs=[feature_summary(feature) for feature in resolved.outputs],
        layers=[_layer(layer) for layer in resolved.layers],
        parameter_count=resolved.parameter_count,
        labels=list(spec.classifier.labels) if spec.classifier else None,
    )


def feature_summary(feature: Feature) -> FeatureSummary:
    """The summary of an input or output."""
    return FeatureSummary(
        name=feature.name,
        shape=list(feature.lengths) if isinstance(feature, ArrayFeature | ImageFeature) else None,
        type=feature.type,
        color=feature.color if isinstance(feature, ImageFeature) else None,
    )


def parameter_summary(parameter: IntegerParameter | DoubleParameter) -> ParameterSummary:
    """The summary of a hyperparameter."""
    allowed = parameter.allowed if isinstance(parameter, IntegerParameter) else None
    return ParameterSummary(
        default=parameter.default,
        minimum=parameter.minimum,
        maximum=parameter.maximum,
        allowed=list(allowed) if allowed is not None else None,
    )


def _of_the_optimizer(optimizer: Optimizer) -> dict[str, ParameterSummary]:
    declared = {name: getattr(optimizer, name) for name in type(optimizer).model_fields if name != "type"}
    return {name: parameter_summary(parameter) for name, parameter in declared.items() if parameter is not None}


def _layer(resolved: ResolvedLayer) -> LayerSummary:
    return LayerSummary(
        name=resolved.layer.name,
        type=resolved.layer.type,
        inputs=list(resolved.inputs),
        outputs=list(resolved.outputs),
        output_shapes=[list(short(shape)) for shape in resolved.output_shapes],
        weight_shapes={name: list(shape) for name, shape in resolved.weight_shapes.items()},
        parameter_count=resolved.parameter_count,
        updatable=resolved.layer.updatable,
    )

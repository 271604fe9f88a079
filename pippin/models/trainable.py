"""The training properties of a model of any kind, which a job needs before it reads the model."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from pippin.models.spec import (
    ArrayFeature,
    CategoricalCrossEntropy,
    DoubleParameter,
    Feature,
    IntegerParameter,
    ResolvedSpec,
)
from pippin.models.spec.layers.dense import Embedding
from pippin.models.spec.layers.shape import Flatten, Permute, Reshape
from pippin.models.spec.memory import TrainingMemory, training_memory
from pippin.models.spec.parameters import SeedParameter
from pippin.models.spec.resolved import ResolvedNetwork
from pippin.models.spec.training import Optimizer


class Trainable(BaseModel):
    """The training properties of a model."""

    model_config = ConfigDict(frozen=True)

    features: tuple[Feature, ...] = Field(description="Features of a training example, including the target.")
    target: str = Field(description="The target feature.")
    classes: int | None = Field(description="Number of classes of the target; null for quantities.")
    labels: tuple[str, ...] | tuple[int, ...] | None = Field(
        default=None, description="Class names of the model by index; null if it has only numbers."
    )
    label_type: Literal["string", "int64"] | None = Field(
        default=None,
        description="Type of the class names that the model learns from the examples; null for other models.",
    )
    method: Literal["sgd", "adam", "nearest_neighbors"] = Field(description="Training method.")
    counts: dict[str, IntegerParameter] = Field(description="Declared hyperparameters that are whole numbers.")
    numbers: dict[str, DoubleParameter] = Field(default_factory=dict, description="The other declared hyperparameters.")
    indices: dict[str, int] = Field(
        default_factory=dict, description="Number of valid indices of each feature that an embedding looks up."
    )
    shuffle: bool = False
    seed: SeedParameter = Field(
        default=SeedParameter(default=0), description="Seed of the order of the examples; 0 if the file has none."
    )
    is_pipeline: bool = Field(default=False, description="Whether frozen models precede the trained one.")

    memory: TrainingMemory = Field(default=TrainingMemory(), description="Memory of a training.")

    @property
    def parameters(self) -> dict[str, IntegerParameter | DoubleParameter]:
        """Every hyperparameter that the model declares, by name."""
        return {**self.counts, **self.numbers}


def trainable_network(resolved: ResolvedSpec) -> Trainable:
    """The training properties of a network."""
    spec = resolved.spec
    declared = {"epochs": spec.epochs} | _of_the_optimizer(spec.optimizer)
    is_classification = isinstance(spec.loss, CategoricalCrossEntropy)
    is_label_target = spec.classifier is not None and spec.classifier.predicted_feature == resolved.training_target
    # A cross-entropy reads one class index, regardless of the target that the file declares.
    index = ArrayFeature(name=resolved.training_target, shape=(1,), type="int")
    classes = max(resolved.shapes[spec.loss.input or ""]) if is_classification else None
    # A classifier's labels also name the classes of an index target, since predictions contain the labels.
    names = spec.classifier.labels if spec.classifier is not None and len(spec.classifier.labels) == classes else None
    return Trainable(
        features=tuple(
            index if is_classification and not is_label_target and feature.name == index.name else feature
            for feature in resolved.training_inputs
        ),
        target=resolved.training_target,
        classes=classes,
        labels=names,
        method=spec.optimizer.type,
        counts={name: each for name, each in declared.items() if isinstance(each, IntegerParameter)},
        numbers={name: each for name, each in declared.items() if isinstance(each, DoubleParameter)},
        indices=indexed_inputs(resolved),
        shuffle=spec.shuffle,
        seed=spec.seed,
        memory=training_memory(resolved),
    )


def _of_the_optimizer(optimizer: Optimizer) -> dict[str, IntegerParameter | DoubleParameter]:
    declared = {name: getattr(optimizer, name) for name in type(optimizer).model_fields if name != "type"}
    return {name: parameter for name, parameter in declared.items() if parameter is not None}


# Layers that only rearrange their input and keep every value.
_REARRANGING = (Flatten, Permute, Reshape)


def indexed_inputs(resolved: ResolvedNetwork) -> dict[str, int]:
    """The number of an embedding's valid indices, by the name of the input that holds the indices.

    If several embeddings read one input, the smallest number counts. Inputs are traced only through layers that
    rearrange values.
    """
    producers = {name: entry for entry in resolved.layers for name in entry.outputs}
    inputs = {feature.name for feature in resolved.inputs}
    sizes: dict[str, int] = {}
    for entry in resolved.layers:
        if not isinstance(entry.layer, Embedding):
            continue
        name = entry.inputs[0]
        while name in producers and isinstance(producers[name].layer, _REARRANGING):
            name = producers[name].inputs[0]
        if name in inputs:
            sizes[name] = min(entry.layer.input_dim, sizes.get(name, entry.layer.input_dim))
    return sizes

"""Pipelines: chained models, of which the last may be trained. `Pipeline` of Model.proto."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from pydantic import TypeAdapter, ValidationError

from pippin.errors import Fault, FaultyDocumentError, pointer
from pippin.models.mlmodel.errors import (
    PIPELINE_FEATURES,
    PIPELINE_KINDS,
    PIPELINE_MODELS,
    PIPELINE_NAMES,
    PIPELINE_OUTPUTS,
    PIPELINE_TRAINING_INPUTS,
    PIPELINE_UPDATABLE,
    PIPELINE_VERSION,
    ModelFileError,
)
from pippin.models.mlmodel.features import read_features
from pippin.models.mlmodel.proto import (
    ARRAY_TYPES,
    NEIGHBORS,
    NETWORKS,
    Message,
    check_has_no_functions,
    check_updatable,
)
from pippin.models.mlmodel.read import FrozenNetwork, Model, read_frozen, read_network
from pippin.models.neighbors import NeighborsModel, read_neighbors
from pippin.models.spec import ArrayFeature, Feature

MAX_STAGES = 100

_VERSIONS = range(4, 11)

_FEATURES: TypeAdapter[tuple[Feature, ...]] = TypeAdapter(tuple[Feature, ...])


@dataclass(frozen=True)
class Pipeline:
    """Frozen networks, and the model that is trained on their outputs.

    Attributes:
        front: The frozen networks in order; each reads the pipeline's inputs and the outputs of earlier networks.
        last: The model that is trained.
        inputs: The inputs of a prediction.
        outputs: The outputs of a prediction.
        training_inputs: The features of a training example.
        metadata: Every user-defined key, including Pippin's own keys.
    """

    front: tuple[FrozenNetwork, ...]
    last: Model | NeighborsModel
    inputs: tuple[Feature, ...]
    outputs: tuple[Feature, ...]
    training_inputs: tuple[Feature, ...]
    metadata: Mapping[str, str]


def stages_of(model: Message) -> Message:
    """The `Pipeline` message of a pipeline, pipeline classifier or pipeline regressor."""
    kind = model.WhichOneof("Type")
    return model.pipeline if kind == "pipeline" else getattr(model, kind).pipeline


def read_pipeline(model: Message) -> Pipeline:
    """The pipeline of a message.

    Raises:
        ModelFileError: Pippin cannot train the pipeline; the error carries every fault.
    """
    check_updatable(model)
    check_has_no_functions(model)
    stages = stages_of(model).models
    # Check the number of models first: the other rules visit every model, and a file can hold half a million.
    _refuse([has_models(model)])
    _refuse(rule(model) for rule in _RULES)
    last = _trained(stages[-1], len(stages) - 1)
    front = tuple(_frozen(stage, index) for index, stage in enumerate(stages[:-1]))
    _refuse([training_inputs_match_the_models(model)])
    description = model.description
    declared = _declared_by(front, last)
    return Pipeline(
        front=front,
        last=last,
        inputs=_features(description.input, "inputs"),
        outputs=_with_shapes(_features(description.output, "outputs"), declared),
        training_inputs=_with_shapes(_features(description.trainingInput, "training_inputs"), declared),
        metadata=dict(description.metadata.userDefined),
    )


def has_models(model: Message) -> Iterator[Fault]:
    """A pipeline has models. Source: PipelineValidator.cpp. Ours: at most `MAX_STAGES` models."""
    count = len(stages_of(model).models)
    if not 1 <= count <= MAX_STAGES:
        yield Fault("/models", f"found {count} models; a pipeline needs 1 to {MAX_STAGES}", PIPELINE_MODELS)


def version_supports_updatable_pipelines(model: Message) -> Iterator[Fault]:
    """The specification version is known and supports updatable pipelines. Source: Model.cpp, `validateGeneric`."""
    version = model.specificationVersion
    if version not in _VERSIONS:
        detail = f"found specification version {version} of the pipeline; needs one from 4 to 10"
        yield Fault("/version", detail, PIPELINE_VERSION)


def has_outputs(model: Message) -> Iterator[Fault]:
    """A pipeline has outputs. Source: Validators.hpp, `validateFeatureDescriptions`."""
    if not model.description.output:
        yield Fault("/outputs", "found no outputs; a pipeline needs one or more", PIPELINE_OUTPUTS)


def model_names_are_unique(model: Message) -> Iterator[Fault]:
    """If models have names, each model has a unique name. Source: PipelineValidator.cpp."""
    pipeline = stages_of(model)
    names = list(pipeline.names)
    if names and (len(names) != len(pipeline.models) or len(set(names)) < len(names)):
        yield Fault("/names", f"found {len(names)} names; needs a different one for each model", PIPELINE_NAMES)


def only_the_last_model_is_updatable(model: Message) -> Iterator[Fault]:
    """The last model is updatable, and no other model is. Source: PipelineValidator.cpp."""
    stages = stages_of(model).models
    for index, stage in enumerate(stages):
        if stage.isUpdatable != (index == len(stages) - 1):
            found = "an updatable model" if stage.isUpdatable else "the last model not updatable"
            yield Fault(
                pointer("models", index),
                f"found {found}; in an updatable pipeline only the last model is updatable",
                PIPELINE_UPDATABLE,
            )


def models_have_supported_kinds(model: Message) -> Iterator[Fault]:
    """Every model is a network; the last may be nearest neighbours. Ours: Core ML chains models of any kind."""
    stages = stages_of(model).models
    for index, stage in enumerate(stages):
        kind = stage.WhichOneof("Type")
        allowed = (*NETWORKS, NEIGHBORS) if index == len(stages) - 1 else NETWORKS
        if kind not in allowed:
            yield Fault(
                pointer("models", index),
                f"found a model of kind {kind}; Pippin supports {', '.join(allowed)} there",
                PIPELINE_KINDS,
            )


def features_exist_before_use(model: Message) -> Iterator[Fault]:
    """Every input of a model is an input of the pipeline or an output of an earlier model.

    Source: PipelineValidator.cpp. Ours: no model reads an integer output of another model, because how Core ML converts
    a layer's fractions to integers is not documented.
    """
    available = {feature.name: feature.type for feature in model.description.input}
    produced: set[str] = set()
    stages = stages_of(model).models
    if not stages:
        return
    for index, stage in enumerate(stages):
        for feature in stage.description.input:
            yield from _feature_faults(feature, available, pointer("models", index, "inputs"))
            if feature.name in produced and feature.type.multiArrayType.dataType == ARRAY_TYPES["int"]:
                detail = f"found {feature.name!r}, which an earlier model outputs as INT32; needs FLOAT32 or DOUBLE"
                yield Fault(pointer("models", index, "inputs"), detail, PIPELINE_FEATURES)
        produced |= {feature.name for feature in stage.description.output}
        available |= {feature.name: feature.type for feature in stage.description.output}
    for feature in model.description.output:
        yield from _feature_faults(feature, available, "/outputs")


def training_inputs_match_the_models(model: Message) -> Iterator[Fault]:
    """A training example holds the front's inputs and the last model's training inputs, unless the front makes them.

    Types and shapes match the models' own. Ours: Apple's validator does not check training inputs of pipelines.
    """
    stages = stages_of(model).models
    declared = {feature.name: feature.type for feature in model.description.trainingInput}
    produced = {feature.name for stage in stages[:-1] for feature in stage.description.output}
    read = [feature for stage in stages[:-1] for feature in stage.description.input]
    required = {feature.name: feature.type for feature in [*read, *stages[-1].description.trainingInput]}
    for name in sorted(required.keys() - produced):
        if name not in declared:
            yield Fault(
                "/training_inputs",
                f"found no {name!r}; needs every input that the models read",
                PIPELINE_TRAINING_INPUTS,
            )
        elif not _is_same_type(declared[name], required[name]):
            detail = f"found {name!r} of a different type or shape than the models read"
            yield Fault("/training_inputs", detail, PIPELINE_TRAINING_INPUTS)


_RULES = (
    version_supports_updatable_pipelines,
    has_outputs,
    model_names_are_unique,
    only_the_last_model_is_updatable,
    models_have_supported_kinds,
    features_exist_before_use,
)


def _feature_faults(feature: Message, available: Mapping[str, Message], at: str) -> Iterator[Fault]:
    if feature.name not in available:
        detail = f"found {feature.name!r}, which is neither an input of the pipeline nor an output of an earlier model"
        yield Fault(at, detail, PIPELINE_FEATURES)
    elif feature.type != available[feature.name]:
        yield Fault(at, f"found {feature.name!r} of a different type or shape than its source", PIPELINE_FEATURES)


def _is_same_type(declared: Message, required: Message) -> bool:
    """Whether two feature types are equal, or differ only in that one array is declared without a shape."""
    if declared.multiArrayType.shape and required.multiArrayType.shape:
        return bool(declared == required)
    shapeless = [type(declared)(), type(declared)()]
    for copy, each in zip(shapeless, (declared, required), strict=True):
        copy.CopyFrom(each)
        copy.multiArrayType.ClearField("shape")
    return bool(shapeless[0] == shapeless[1])


def _declared_by(front: Iterable[FrozenNetwork], last: Model | NeighborsModel) -> dict[str, Feature]:
    """The features of a pipeline's models by name, with the shapes that the layers and the loss require."""
    networks = [*front, *([last] if isinstance(last, Model) else [])]
    declared = {
        each.name: each for network in networks for each in (*network.resolved.inputs, *network.resolved.outputs)
    }
    return declared | ({each.name: each for each in last.resolved.training_inputs} if isinstance(last, Model) else {})


def _with_shapes(features: tuple[Feature, ...], declared: Mapping[str, Feature]) -> tuple[Feature, ...]:
    """The features; an array that the pipeline declares without a shape gets the shape of the model's feature."""
    return tuple(
        declared.get(feature.name, feature) if isinstance(feature, ArrayFeature) and feature.shape is None else feature
        for feature in features
    )


def _refuse(groups: Iterable[Iterable[Fault]]) -> None:
    faults = [fault for each in groups for fault in each]
    if faults:
        raise ModelFileError(f"the pipeline cannot be trained: {faults[0].detail}", faults)


def _trained(stage: Message, index: int) -> Model | NeighborsModel:
    with _in_its_place(index):
        return read_neighbors(stage) if stage.WhichOneof("Type") == NEIGHBORS else read_network(stage)


def _frozen(stage: Message, index: int) -> FrozenNetwork:
    with _in_its_place(index):
        return read_frozen(stage)


@contextmanager
def _in_its_place(index: int) -> Iterator[None]:
    try:
        yield
    except FaultyDocumentError as error:
        faults = [fault.under(pointer("models", index)) for fault in error.faults]
        raise ModelFileError(f"model {index} of the pipeline: {error}", faults) from error


def _features(messages: Message, field: str) -> tuple[Feature, ...]:
    try:
        features = _FEATURES.validate_python(read_features(messages, field))
    except ValidationError as error:
        raise ModelFileError(f"the pipeline's {field} cannot be understood: {error.errors()[0]['msg']}") from None
    # Training inputs may be listed twice; remove duplicates.
    return tuple(dict.fromkeys(features)) if field == "training_inputs" else features

"""Errors of model files, and the rules for files in addition to `pippin.models.spec.rules`."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from pippin.errors import Fault, FaultyDocumentError, PippinError


class ModelFileError(FaultyDocumentError):
    """A file is not an updatable model that Pippin can train, or weights do not fit its layers.

    Attributes:
        faults: Every fault. Pointers refer to the model's description in the spec language.
    """

    def __init__(self, detail: str, faults: Iterable[Fault] | None = None, *, rule: str | None = None) -> None:
        PippinError.__init__(self, detail)
        self.faults = (Fault("", detail, rule),) if faults is None else tuple(faults)


class NotAModelFileError(ModelFileError):
    """The bytes are not an `.mlmodel`."""


MODEL_KIND: Final = "model.kind"
MODEL_UPDATABLE: Final = "model.updatable"
MODEL_FUNCTIONS: Final = "model.functions"
FEATURES_DEFAULTS: Final = "features.defaults"
FEATURES_KEYS: Final = "features.keys"
MEAN_IMAGE: Final = "features.mean-image"
OUTPUT_RANKS: Final = "features.output-ranks"
LOSS_ONE: Final = "loss.one"
LAYERS_TENSORS: Final = "layers.tensors"
LAYERS_KNOWN: Final = "layers.known"
WEIGHTS_SIZE: Final = "weights.size"
WEIGHTS_PAYLOAD: Final = "weights.payload"
WEIGHTS_PRECISION: Final = "weights.precision"
WEIGHTS_UPDATABLE: Final = "weights.updatable"
WEIGHTS_QUANTIZED: Final = "weights.quantized"
PIPELINE_VERSION: Final = "pipeline.version"
PIPELINE_OUTPUTS: Final = "pipeline.outputs"
PIPELINE_MODELS: Final = "pipeline.models"
PIPELINE_NAMES: Final = "pipeline.names"
PIPELINE_UPDATABLE: Final = "pipeline.updatable"
PIPELINE_KINDS: Final = "pipeline.kinds"
PIPELINE_FEATURES: Final = "pipeline.features"
PIPELINE_TRAINING_INPUTS: Final = "pipeline.training-inputs"

RULES_BY_ID: Final[Mapping[str, str]] = MappingProxyType(
    {
        MODEL_KIND: "The model is of a kind that can be updated. Source: Model.proto, `isUpdatable`.",
        MODEL_UPDATABLE: "It is marked updatable. Source: Model.proto, `isUpdatable`.",
        MODEL_FUNCTIONS: "It has no functions and keeps no state, which are for ML programs. Source:"
        " InterfaceValidators.cpp, `validateMultiFunctionDescription`; that it keeps no state is ours.",
        FEATURES_DEFAULTS: "The default value of an array is of the field for its data type. Source:"
        " InterfaceValidators.cpp, `validateFeatureDescription`.",
        FEATURES_KEYS: "A dictionary says what its keys are. Source: InterfaceValidators.cpp.",
        MEAN_IMAGE: "A mean image has a finite number for each of its image. Source: NeuralNetwork.proto,"
        " `NeuralNetworkMeanImage`; that they are finite is ours.",
        OUTPUT_RANKS: "A network of images alone with a layer of version 4 or later, or images of rank 4, declares its"
        " outputs with all axes or without a shape. Source: NeuralNetworkValidator.cpp, `ioBlobNameToRank`; Apple's"
        " validator refuses it only where a layer checks ranks.",
        LOSS_ONE: "A network has exactly one loss. Source: UpdatableNeuralNetworkValidator.cpp.",
        LAYERS_TENSORS: "The ranks that layers state are those of the blobs that they read and make, where blobs have"
        " other ranks than 5. Source: NeuralNetworkValidator.cpp, `inputTensor` and `outputTensor`.",
        LAYERS_KNOWN: "Every layer is of a type, and set up in a way, that the spec language has. Ours.",
        WEIGHTS_SIZE: "Weights are as many as the layer's shapes need. Source: NeuralNetworkLayerValidator.cpp; that"
        " they are finite is ours.",
        WEIGHTS_PAYLOAD: "Each array is kept in one way: as 32-bit floats, as half floats or quantised. Source:"
        " ValidatorUtils-inl.hpp, `valueType`.",
        WEIGHTS_PRECISION: "The arrays of a layer are all 32-bit floats or all half floats, but for quantised ones."
        " Source: NeuralNetworkLayerValidator.cpp.",
        WEIGHTS_UPDATABLE: "An updatable layer's weights and bias are marked updatable. Source:"
        " UpdatableNeuralNetworkValidator.cpp.",
        WEIGHTS_QUANTIZED: "They are not quantised. Source: UpdatableNeuralNetworkValidator.cpp.",
        PIPELINE_VERSION: "An updatable pipeline is of version 4 to 10, whatever its models are of. Source: Model.cpp,"
        " `validateGeneric`.",
        PIPELINE_OUTPUTS: "A pipeline has outputs. Source: Validators.hpp, `validateFeatureDescriptions`.",
        PIPELINE_MODELS: "A pipeline has models. Source: PipelineValidator.cpp; that they are at most a hundred is"
        " ours.",
        PIPELINE_NAMES: "Names, where there are any, are as many as models, and differ. Source: PipelineValidator.cpp.",
        PIPELINE_UPDATABLE: "Only the last model is updatable, and it is. Source: PipelineValidator.cpp.",
        PIPELINE_KINDS: "Models are networks, and the last may be nearest neighbours. Ours: Core ML chains models of"
        " any kind.",
        PIPELINE_FEATURES: "What a model reads, the pipeline is given or a model before it answers. Source:"
        " PipelineValidator.cpp; that no model reads what another answers as whole numbers is ours.",
        PIPELINE_TRAINING_INPUTS: "An example holds what the models read and no model makes, and the truth. Ours:"
        " Apple's validator does not look at training inputs of pipelines.",
    }
)
"""One sentence per rule. The rules about pipelines are functions in `pippin.models.mlmodel.pipeline`."""

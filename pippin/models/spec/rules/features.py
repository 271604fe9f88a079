"""Rules about names, and about a model's inputs and outputs."""

from collections.abc import Iterator

from pippin.documents.hints import Hints, did_you_mean
from pippin.errors import Fault, pointer
from pippin.models.spec.features import (
    ArrayFeature,
    DictionaryFeature,
    Feature,
    ImageFeature,
    LabelFeature,
    NumberFeature,
)
from pippin.models.spec.graph import Graph, is_newer
from pippin.models.spec.layer import Layer
from pippin.models.spec.parse import Part
from pippin.models.spec.shapes import is_vector, rank5, shape_text, short
from pippin.models.spec.values import RESERVED_PREFIX


def layers_and_loss_have_unique_names(graph: Graph) -> Iterator[Fault]:
    """No two layers, nor a layer and the loss, share a name. Source: NeuralNetworkValidatorGraph.hpp."""
    seen: dict[str, int] = {}
    for node in graph.nodes:
        if node.name is None:
            continue
        if node.name in seen:
            yield Fault(
                pointer("layers", node.index, "name"),
                f"found {node.name!r}, the name of layer {seen[node.name]} too; needs a unique name",
            )
        seen.setdefault(node.name, node.index)
    if graph.loss is not None and graph.loss.name in seen:
        yield Fault("/loss/name", f"found {graph.loss.name!r}, a layer's name too; needs a unique name")


def features_have_unique_names(graph: Graph) -> Iterator[Fault]:
    """No two inputs, outputs or training inputs share a name. Ours: Apple's validator does not check this.

    A training input may be listed twice with the same content, because coremltools appends a loss's training inputs to
    the existing ones.
    """
    lists = {
        "inputs": graph.draft.inputs,
        "outputs": graph.draft.outputs or (),
        "training_inputs": graph.draft.training_inputs or (),
    }
    for field, parts in lists.items():
        seen: dict[str, object] = {}
        for index, part in enumerate(parts):
            name = part.text("name")
            if name is None:
                continue
            content = part.raw if part.value is None else part.value
            if name in seen and not (field == "training_inputs" and content == seen[name]):
                yield Fault(pointer(field, index, "name"), f"found {name!r} a second time; needs a unique name")
            seen.setdefault(name, content)


def metadata_has_no_reserved_keys(graph: Graph) -> Iterator[Fault]:
    """Metadata keys that begin with `pippin.` are reserved for Pippin. Ours, not Apple's."""
    for key in graph.draft.user_defined:
        if key.startswith(RESERVED_PREFIX):
            yield Fault(
                pointer("user_defined", key),
                f"found a key that begins with {RESERVED_PREFIX!r}; these are reserved for Pippin",
            )


def inputs_are_arrays_or_images(graph: Graph) -> Iterator[Fault]:
    """The inputs of a network are arrays with a shape, and images. Source: NeuralNetworkValidator.cpp, input types.

    The shape of the loss's target follows from the loss.
    """
    lists = {"inputs": graph.draft.inputs, "training_inputs": graph.draft.training_inputs or ()}
    for field, parts in lists.items():
        for index, part in enumerate(parts):
            if field == "inputs" and part.value is not None and not isinstance(part.value, ArrayFeature | ImageFeature):
                yield Fault(
                    pointer(field, index, "type"), f"found {part.value.type!r}; a network reads arrays and images"
                )
            is_target = field == "training_inputs" and graph.loss is not None and part.text("name") == graph.loss.target
            if isinstance(part.value, ArrayFeature) and part.value.shape is None and not is_target:
                yield Fault(pointer(field, index, "shape"), "is required: [C] for a vector or [C, H, W]")


def array_inputs_have_rank_1_or_3(graph: Graph) -> Iterator[Fault]:
    """With RANK5 arrays an input is [C] or [C, H, W]. Source: NeuralNetworkValidator.cpp, `arrayInputShapeMapping`."""
    if graph.draft.arrays == "exact":
        return
    for index, part in enumerate(graph.draft.inputs):
        shape = _declared(part)
        if shape is not None and len(shape) not in (1, 3):
            yield Fault(pointer("inputs", index, "shape"), f"found {list(shape)}; needs [C] for a vector or [C, H, W]")


def has_outputs(graph: Graph) -> Iterator[Fault]:
    """A model declares its outputs; only a classifier's outputs can be inferred from its classes. Ours."""
    if graph.draft.outputs is None and graph.draft.classifier is None and graph.draft.spec is not None:
        yield Fault("/outputs", "is required: the outputs of a prediction")


def outputs_are_blobs_of_layers(graph: Graph) -> Iterator[Fault]:
    """Every output is a blob that a layer makes. Source: NeuralNetworkValidator.cpp, outputs of the interface.

    A classifier's label and probabilities are not blobs.
    """
    if not graph.is_named:
        return
    hints = Hints()
    for index, part in enumerate(graph.draft.outputs or ()):
        name = part.text("name")
        if isinstance(part.value, LabelFeature | DictionaryFeature):
            continue
        if name is not None and name not in graph.producers:
            hint = hints.text_for(name, graph.producers)
            yield Fault(pointer("outputs", index, "name"), f"found {name!r}, which is not an output of a layer{hint}")


def output_shapes_match_the_layers(graph: Graph) -> Iterator[Fault]:
    """An output's declared shape is the shape of its blob; unless arrays are EXACT, axes of length 1 are optional.

    Ours: Apple's validator does not check the shape, and accepts arrays of any type.
    """
    for index, part in enumerate(graph.draft.outputs or ()):
        if part.value is None:
            continue
        produced = graph.shapes.get(part.value.name) if part.value.name in graph.producers else None
        shape = _declared(part)
        rank5_shape = None if shape is None or graph.draft.arrays == "exact" else rank5(shape)
        if produced is not None and shape is not None and produced not in (shape, rank5_shape):
            yield Fault(
                pointer("outputs", index, "shape"), f"found {list(shape)}; the layers output {shape_text(produced)}"
            )
        if produced is not None and isinstance(part.value, NumberFeature) and short(produced) != (1,):
            yield Fault(pointer("outputs", index), f"found a number; the layers output {shape_text(produced)}")
        if isinstance(part.value, ImageFeature):
            yield Fault(pointer("outputs", index, "type"), "found 'image'; Pippin trains models with array outputs")


def classifier_labels_match_its_blob(graph: Graph) -> Iterator[Fault]:
    """A classifier's probabilities are a vector with one number per label, and the labels are unique.

    Source: NeuralNetworkValidator.cpp, `validateNeuralNetworkClassifier`. Ours: the two lengths must be equal.
    """
    classifier = graph.draft.classifier
    if classifier is None:
        return
    if len(set(classifier.labels)) < len(classifier.labels):
        yield Fault("/classifier/labels", "found a label twice; needs each class once")
    blob = classifier.blob or next((name for node in graph.nodes[-1:] for name in node.outputs), None)
    if blob is None:
        return
    if blob not in graph.producers:
        if graph.is_named:
            hint = did_you_mean(blob, list(graph.producers))
            yield Fault("/classifier/blob", f"found {blob!r}, which is not an output of a layer{hint}")
        return
    produced = graph.shapes.get(blob)
    if produced is not None and not (is_vector(produced) and max(produced) == len(classifier.labels)):
        yield Fault(
            "/classifier/labels",
            f"found {len(classifier.labels)} labels; {blob!r} has the shape {shape_text(produced)}: needs one label "
            "for each number",
        )


def classifier_outputs_match_its_declaration(graph: Graph) -> Iterator[Fault]:
    """Only a classifier has label and probability outputs; their names and types are those that it declares.

    Source: InterfaceValidators.cpp, `validateClassifierInterface`.
    """
    classifier = graph.draft.classifier
    if classifier is not None and graph.draft.regressor is not None:
        yield Fault("/regressor", "found a classifier and a regressor; a model has at most one of them")
    outputs = graph.draft.outputs
    for index, part in enumerate(outputs or ()):
        value, at = part.value, pointer("outputs", index)
        if not isinstance(value, LabelFeature | DictionaryFeature):
            continue
        if classifier is None:
            yield Fault(
                at, f"found {value.type!r}; only a classifier has such an output: declare its classes in `classifier`"
            )
            continue
        is_label = isinstance(value, LabelFeature)
        required = classifier.predicted_feature if is_label else classifier.probabilities
        if value.name != required:
            yield Fault(at + "/name", f"found {value.name!r}; the classifier's declaration has {required!r}")
        kind = value.type if isinstance(value, LabelFeature) else value.keys
        if kind != classifier.label_type:
            yield Fault(at, f"found {kind!r}; the classifier's labels are {classifier.label_type!r}")
    if classifier is not None and outputs is not None:
        names = {part.text("name") for part in outputs}
        for required in (classifier.predicted_feature, classifier.probabilities):
            if required is not None and required not in names:
                yield Fault("/outputs", f"found no {required!r}, which the classifier declares as an output")


def only_regressors_output_numbers(graph: Graph) -> Iterator[Fault]:
    """Only a regressor outputs a single number. Source: NeuralNetworkValidator.cpp, `validateInputOutputTypes`.

    Apple's validator also allows this output for a classifier, which has no use for it.
    """
    for index, part in enumerate(graph.draft.outputs or ()):
        if isinstance(part.value, NumberFeature) and graph.draft.regressor is None:
            yield Fault(
                pointer("outputs", index, "type"),
                "found 'number', which only a regressor outputs; needs an array, 'float' or 'double', or a `regressor`",
            )


def regressor_outputs_its_predicted_feature(graph: Graph) -> Iterator[Fault]:
    """The predicted feature is an output. Source: InterfaceValidators.cpp, `validateRegressorInterface`."""
    regressor, outputs = graph.draft.regressor, graph.draft.outputs
    if regressor is None or outputs is None:
        return
    if regressor.predicted_feature not in {part.text("name") for part in outputs}:
        yield Fault("/regressor/predicted_feature", f"found {regressor.predicted_feature!r}, which is not an output")


def version_supports_the_layers(graph: Graph) -> Iterator[Fault]:
    """A file's version is not older than its layers require. Source: Format.hpp, specification versions."""
    version = graph.draft.version
    for node in graph.nodes:
        if version is not None and node.layer is not None and node.layer.version_needed > version:
            yield Fault(
                pointer("layers", node.index, "type"),
                f"found {_came_with(node.layer)}; the model has version {version}",
            )


def newer_layers_need_exact_arrays(graph: Graph) -> Iterator[Fault]:
    """Layers of version 4 and later need EXACT arrays, or only images as inputs. Source: NeuralNetworkValidator.cpp.

    The version depends on the options in use: an upsampling with aligned corners needs a newer version than the type.
    """
    for node in graph.nodes:
        if _has_rank5_arrays(graph) and node.layer is not None and is_newer(node.layer):
            yield Fault(
                pointer("layers", node.index, "type"),
                f"found {_came_with(node.layer)}; layers of version 4 or later cannot read arrays mapped as 'rank5': "
                'remove the layer, make every input an image, or set "array_input_shape_mapping": "exact", with which '
                "a flatten keeps the number of axes",
            )


def rank4_images_need_exact_arrays(graph: Graph) -> Iterator[Fault]:
    """Images of rank 4 need EXACT arrays, or no array inputs. Source: NeuralNetworkValidator.cpp."""
    if graph.draft.images == "rank4" and _has_rank5_arrays(graph):
        yield Fault(
            "/image_input_shape_mapping", "found 'rank4' beside arrays of 'rank5'; needs the arrays mapped as 'exact'"
        )


def _came_with(layer: Layer) -> str:
    """A layer's type and the version that introduced it, or the option in use that needs a newer version."""
    option = f"the {layer.newer_option} of a layer " if layer.version_needed > layer.min_version else ""
    return f"{option}{layer.type} of version {layer.version_needed}"


def _has_rank5_arrays(graph: Graph) -> bool:
    return graph.draft.arrays == "rank5" and any(isinstance(part.value, ArrayFeature) for part in graph.draft.inputs)


def _declared(part: Part[Feature]) -> tuple[int, ...] | None:
    return part.value.shape if isinstance(part.value, ArrayFeature) else None

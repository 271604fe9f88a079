"""The network as a graph: the blobs that each layer reads and makes, and their shapes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod

from pippin.documents.hints import Hints
from pippin.errors import Fault, pointer
from pippin.models.spec.features import ArrayFeature, DictionaryFeature, Feature, ImageFeature, LabelFeature
from pippin.models.spec.layer import RANK_RULE, Layer
from pippin.models.spec.parse import Draft, Part
from pippin.models.spec.resolved import ResolvedLayer
from pippin.models.spec.shapes import rank5, shape_text, short
from pippin.models.spec.training import CategoricalCrossEntropy, Loss
from pippin.models.spec.values import MAX_ELEMENTS, MAX_PARAMETERS, Shape


@dataclass(frozen=True)
class Node:
    """A layer in the graph.

    Attributes:
        index: The layer's index in the spec.
        name: The layer's name; None if the document has none.
        layer: The layer with its blob names filled in; None if the layer has faults.
        inputs: The blobs that the layer reads, as far as they are known.
        outputs: The blobs that the layer makes, as far as they are known.
        updatable: Whether the document marks the layer as updatable.
    """

    index: int
    name: str | None
    layer: Layer | None
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    updatable: bool


@dataclass(frozen=True)
class Graph:
    """The graph that the rules check. A fault in one part does not hide the other parts.

    Attributes:
        draft: The parsed document.
        nodes: The layers, in the spec's order.
        shapes: The shape of every named blob; None if a fault elsewhere hides the shape.
        producers: The layer that makes a blob, by the blob's name.
        loss: The loss with its names filled in; None if the loss has faults.
        outputs: The given or inferred outputs with their shapes; None if a fault elsewhere hides them.
        training_inputs: The given or inferred training inputs, likewise.
        is_named: Whether every blob's name is known, so that any other name is a fault.
        has_true_ranks: Whether outputs keep all axes that layers see. Core ML's validator assumes this for models with
            EXACT arrays, images of rank 4, or layers of version 4 and later. Source: NeuralNetworkValidator.cpp,
            `ndArrayInterpretation`.
        faults: Faults in the wiring and the shapes.
    """

    draft: Draft
    nodes: tuple[Node, ...]
    shapes: Mapping[str, Shape | None]
    producers: Mapping[str, Node]
    loss: Loss | None
    outputs: tuple[Feature, ...] | None
    training_inputs: tuple[Feature, ...] | None
    is_named: bool
    has_true_ranks: bool
    faults: tuple[Fault, ...]

    @property
    def target(self) -> str | None:
        """The training input with the target: a classifier's predicted feature if that is a training input."""
        classifier = self.draft.classifier
        if classifier is not None and any(
            feature.name == classifier.predicted_feature for feature in self.training_inputs or ()
        ):
            return classifier.predicted_feature
        return self.loss.target if self.loss is not None else None


def trace(draft: Draft) -> Graph:
    """Trace the blobs through the layers of `draft`."""
    nodes = _wire(draft)
    tracer = _Tracer(draft, nodes)
    faults = tuple(tracer.follow())
    loss = _completed_loss(draft, nodes)
    has_true_ranks = (
        draft.arrays == "exact"
        or draft.images == "rank4"
        or any(node.layer is not None and is_newer(node.layer) for node in nodes)
    )
    return Graph(
        draft=draft,
        nodes=nodes,
        shapes=tracer.shapes,
        producers=tracer.producers,
        loss=loss,
        outputs=_outputs(draft, tracer.shapes, has_true_ranks=has_true_ranks),
        training_inputs=_training_inputs(draft, loss, tracer.shapes),
        is_named=tracer.is_named,
        has_true_ranks=has_true_ranks,
        faults=faults,
    )


def is_newer(layer: Layer) -> bool:
    """Whether a layer needs version 4 or later. Source: Utils.cpp, `isIOS12NeuralNetworkLayer`."""
    return layer.version_needed >= _NEWER_VERSION


_NEWER_VERSION = 4


def complete(node: Node, shapes: Mapping[str, Shape | None]) -> ResolvedLayer:
    """The layer of a graph without faults, with everything that follows from the shapes."""
    assert node.layer is not None
    inputs, outputs = _known(shapes, node.inputs), _known(shapes, node.outputs)
    assert inputs is not None
    assert outputs is not None
    return ResolvedLayer(
        layer=node.layer.completed(inputs),
        inputs=node.inputs,
        outputs=node.outputs,
        input_shapes=inputs,
        output_shapes=outputs,
        weight_shapes=node.layer.weight_shapes(inputs),
    )


def _wire(draft: Draft) -> tuple[Node, ...]:
    """The layers with their blob names, given or inferred: by default each layer reads the previous layer's outputs."""
    nodes: list[Node] = []
    before = _texts(_name(draft.inputs[0])) if len(draft.inputs) == 1 else ()
    sole_output = _sole_output(draft)
    if any(part.text("output") == sole_output for part in draft.layers):
        sole_output = None
    for index, part in enumerate(draft.layers):
        name, layer = _name(part), part.value
        is_last = index == len(draft.layers) - 1
        default_output = sole_output if is_last and sole_output is not None else name
        if layer is None:
            inputs = part.texts("input") or before
            outputs = part.texts("output") or _texts(default_output)
        else:
            # None means left out, so the names are inferred. A file without names has an empty list.
            takes = layer.input_count[1] > 0
            inputs = layer.input_names if layer.input is not None else before if takes else ()
            outputs = layer.output_names if layer.output is not None else _texts(default_output)
            unknown = (layer.input is None and takes and not inputs) or (layer.output is None and not outputs)
            layer = None if unknown else layer.with_blobs(inputs, outputs)
        updatable = isinstance(part.raw, dict) and part.raw.get("updatable") is True
        nodes.append(Node(index, name, layer, inputs, outputs, updatable))
        before = outputs
    return tuple(nodes)


def _sole_output(draft: Draft) -> str | None:
    """The output that the last layer makes by default."""
    if draft.classifier is not None:
        return draft.classifier.blob or draft.classifier.probabilities
    return _name(draft.outputs[0]) if draft.outputs is not None and len(draft.outputs) == 1 else None


class _Tracer:
    """Visits the layers once, in order, and collects shapes and producers of blobs."""

    def __init__(self, draft: Draft, nodes: Sequence[Node]) -> None:
        self.draft = draft
        self.nodes = nodes
        self.shapes: dict[str, Shape | None] = {}
        self.producers: dict[str, Node] = {}
        self.parameters = 0
        self.hints = Hints()
        self.is_named = (
            bool(draft.inputs) and all(_name(part) for part in draft.inputs) and all(node.outputs for node in nodes)
        )
        self.later = {name: node for node in reversed(nodes) for name in node.outputs}

    def follow(self) -> Iterator[Fault]:
        for index, part in enumerate(self.draft.inputs):
            name, shape = _name(part), self._seen(part.value)
            if shape is not None and prod(shape) > MAX_ELEMENTS:
                yield Fault(pointer("inputs", index, "shape"), _too_large(shape))
                shape = None
            if name is not None:
                self.shapes[name] = shape
        for node in self.nodes:
            yield from self._enter(node)
        if self.parameters > MAX_PARAMETERS:
            yield Fault("/layers", f"found {self.parameters} parameters; a model may have {MAX_PARAMETERS}")

    def _seen(self, feature: Feature | None) -> Shape | None:
        """The shape of an input as layers see it; None if the input has faults or layers cannot read its kind."""
        match feature:
            case ArrayFeature(shape=shape) if shape is not None:
                return shape if self.draft.arrays == "exact" else rank5(shape)
            case ImageFeature():
                return (1, *feature.lengths) if self.draft.images == "rank4" else (1, 1, *feature.lengths)
        return None

    def _enter(self, node: Node) -> Iterator[Fault]:
        at = pointer("layers", node.index)
        yield from self._missing_inputs(node, at)
        shapes = None
        if node.layer is not None:
            numbered = list(_miscounted(node.layer))
            yield from (fault.under(at) for fault in numbered)
            inputs = None if numbered else _known(self.shapes, node.inputs)
            faults = list(self._faults(node.layer, inputs)) if inputs is not None else []
            yield from (fault.under(at) for fault in faults)
            if inputs is not None and not faults:
                shapes = node.layer.output_shapes(inputs)
                for shape in shapes:
                    if prod(shape) > MAX_ELEMENTS:
                        shapes = None
                        yield Fault(at, _too_large(shape))
                        break
        for place, name in enumerate(node.outputs):
            if name in self.shapes:
                yield Fault(at + "/output", f"found {name!r}, which already exists; needs a unique name")
                self.shapes[name] = None
                continue
            self.shapes[name] = None if shapes is None or place >= len(shapes) else shapes[place]
            self.producers[name] = node

    def _missing_inputs(self, node: Node, at: str) -> Iterator[Fault]:
        if not node.inputs and node.index == 0 and len(self.draft.inputs) > 1:
            names = ", ".join(name for part in self.draft.inputs if (name := _name(part)))
            yield Fault(at + "/input", f"is required: one of the model's inputs {names}")
        for name in node.inputs:
            if name in self.shapes or not self.is_named:
                continue
            if name in self.later:
                producer = self.later[name]
                where = "itself" if producer is node else f"layer {producer.name!r} further down: list that one first"
                yield Fault(at + "/input", f"found {name!r}, which is the output of {where}")
            else:
                hint = self.hints.text_for(name, self.shapes)
                yield Fault(
                    at + "/input", f"found {name!r}, which is neither an input nor an output of a layer above{hint}"
                )

    def _faults(self, layer: Layer, inputs: tuple[Shape, ...]) -> Iterator[Fault]:
        faults = list(_low_ranks(layer, inputs)) or list(layer.faults(inputs))
        yield from faults
        if faults:
            return
        parameters = sum(prod(shape) for shape in layer.weight_shapes(inputs).values())
        if parameters > MAX_PARAMETERS:
            yield Fault("", f"found {parameters} parameters; a model may have {MAX_PARAMETERS}")
        else:
            self.parameters += parameters


def _miscounted(layer: Layer) -> Iterator[Fault]:
    """Faults for more or fewer blobs than the layer type reads or makes."""
    for field, names, (min_count, max_count) in (
        ("/input", layer.input_names, layer.input_count),
        ("/output", layer.output_names, layer.output_count),
    ):
        if not min_count <= len(names) <= max_count:
            needed = (
                str(min_count)
                if min_count == max_count
                else f"{min_count} or more"
                if max_count > 1000
                else f"{min_count} to {max_count}"
            )
            yield Fault(field, f"found {len(names)} blobs; {layer.type} needs {needed}")


def _low_ranks(layer: Layer, inputs: tuple[Shape, ...]) -> Iterator[Fault]:
    """Faults for blobs below the layer type's minimum rank, which only the exact mapping can cause."""
    for shape in inputs:
        if len(shape) < layer.min_rank:
            yield Fault(
                "/input",
                f"found a blob of shape {shape_text(shape)}, rank {len(shape)}; "
                f"{layer.type} needs rank {layer.min_rank}"
                " or more",
                RANK_RULE,
            )


# A name has at most 200 characters, and "_true" is appended.
_LONGEST_STEM = 195


def _completed_loss(draft: Draft, nodes: Sequence[Node]) -> Loss | None:
    loss = draft.loss
    if loss is None:
        return None
    loss_input = loss.input or next((name for node in reversed(nodes[-1:]) for name in node.outputs), None)
    if loss_input is None:
        return None
    predicted = draft.classifier.predicted_feature if draft.classifier is not None else None
    target = loss.target or predicted or _sole_target(draft) or f"{loss_input[:_LONGEST_STEM]}_true"
    taken = {node.name for node in nodes}
    names = (f"loss{number}" if number else "loss" for number in range(len(nodes) + 1))
    name = loss.name or next(free for free in names if free not in taken)
    return loss.model_copy(update={"name": name, "input": loss_input, "target": target})


def _sole_target(draft: Draft) -> str | None:
    """The only training input that is not a model input, if the spec lists training inputs."""
    inputs = {_name(part) for part in draft.inputs}
    others = [name for name in map(_name, draft.training_inputs or ()) if name not in inputs]
    return others[0] if len(others) == 1 else None


def _training_inputs(draft: Draft, loss: Loss | None, shapes: Mapping[str, Shape | None]) -> tuple[Feature, ...] | None:
    if draft.training_inputs is not None:
        parts = _all_values(draft.training_inputs)
        # Training inputs may be listed twice; remove duplicates.
        return (
            None
            if parts is None
            else tuple(dict.fromkeys(_with_target_shape(draft, each, loss, shapes) for each in parts))
        )
    inputs = _all_values(draft.inputs)
    if inputs is None or loss is None or loss.target is None:
        return None
    if draft.classifier is not None:
        return (*inputs, LabelFeature(name=draft.classifier.predicted_feature, type=draft.classifier.label_type))
    if isinstance(loss, CategoricalCrossEntropy):
        return (*inputs, ArrayFeature(name=loss.target, shape=(1,), type="int"))
    shape = shapes.get(loss.input or "")
    return None if shape is None else (*inputs, ArrayFeature(name=loss.target, shape=_declared(draft, shape)))


def _with_target_shape(
    draft: Draft, feature: Feature, loss: Loss | None, shapes: Mapping[str, Shape | None]
) -> Feature:
    """The training input; the loss's target gets the shape that the loss needs if it is declared without a shape."""
    if not isinstance(feature, ArrayFeature) or feature.shape is not None:
        return feature
    if loss is None or feature.name != loss.target:
        return feature
    input_shape = shapes.get(loss.input or "")
    shape = (
        (1,)
        if isinstance(loss, CategoricalCrossEntropy)
        else None
        if input_shape is None
        else _declared(draft, input_shape)
    )
    return feature.model_copy(update={"shape": shape})


def _outputs(draft: Draft, shapes: Mapping[str, Shape | None], *, has_true_ranks: bool) -> tuple[Feature, ...] | None:
    if draft.outputs is None:
        classifier = draft.classifier
        if classifier is None:
            return None
        features: tuple[Feature, ...] = (LabelFeature(name=classifier.predicted_feature, type=classifier.label_type),)
        if classifier.probabilities is not None:
            features += (
                DictionaryFeature(name=classifier.probabilities, type="dictionary", keys=classifier.label_type),
            )
        return features
    parts = _all_values(draft.outputs)
    if parts is None:
        return None
    return tuple(_with_shape(draft, feature, shapes, has_true_ranks=has_true_ranks) for feature in parts)


def _with_shape(draft: Draft, feature: Feature, shapes: Mapping[str, Shape | None], *, has_true_ranks: bool) -> Feature:
    """The output with its declared shape in the file."""
    produced = shapes.get(feature.name)
    if not isinstance(feature, ArrayFeature) or produced is None:
        return feature
    if has_true_ranks:
        return feature.model_copy(update={"shape": produced})
    return feature if feature.shape is not None else feature.model_copy(update={"shape": _declared(draft, produced)})


def _declared(draft: Draft, seen: Shape) -> Shape:
    """A blob's shape in the form in which a model declares it."""
    return seen if draft.arrays == "exact" else short(seen)


def _all_values(parts: Sequence[Part[Feature]]) -> tuple[Feature, ...] | None:
    values = tuple(part.value for part in parts if part.value is not None)
    return values if len(values) == len(parts) else None


def _known(shapes: Mapping[str, Shape | None], names: Sequence[str]) -> tuple[Shape, ...] | None:
    shapes_of_names = tuple(shape for shape in (shapes.get(name) for name in names) if shape is not None)
    return shapes_of_names if len(shapes_of_names) == len(names) else None


def _name(part: Part[Feature] | Part[Layer]) -> str | None:
    return part.text("name")


def _texts(text: str | None) -> tuple[str, ...]:
    return () if text is None else (text,)


def _too_large(shape: Shape) -> str:
    return (
        f"outputs a blob of shape {shape_text(shape)}, which is {prod(shape)} numbers; at most {MAX_ELEMENTS} are "
        "allowed"
    )

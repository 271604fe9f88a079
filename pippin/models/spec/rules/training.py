"""Rules about training: updatable layers, the loss, and the features of a training example."""

from collections import deque
from collections.abc import Iterator

from pippin.documents.hints import did_you_mean
from pippin.errors import Fault, pointer
from pippin.models.spec.features import ArrayFeature, Feature, NumberFeature
from pippin.models.spec.graph import Graph, Node
from pippin.models.spec.layers.activations import Softmax
from pippin.models.spec.parse import Part
from pippin.models.spec.shapes import is_vector, rank5, shape_text
from pippin.models.spec.table import LAYERS
from pippin.models.spec.training import CategoricalCrossEntropy, MeanSquaredError


def has_an_updatable_layer(graph: Graph) -> Iterator[Fault]:
    """At least one layer is updatable. Source: UpdatableNeuralNetworkValidator.cpp."""
    if graph.nodes and not any(node.updatable for node in graph.nodes):
        yield Fault("/layers", f'found no updatable layer; set "updatable": true for one of type {_trainable_types()}')


def updatable_layers_have_trainable_types(graph: Graph) -> Iterator[Fault]:
    """Only some types may be updatable. Source: UpdatableNeuralNetworkValidator.cpp."""
    for node in graph.nodes:
        if node.updatable and node.layer is not None and not node.layer.trainable:
            yield Fault(
                pointer("layers", node.index, "updatable"),
                f"found an updatable layer of type {node.layer.type}; Core ML trains {_trainable_types()}",
            )


def gradients_can_reach_every_updatable_layer(graph: Graph) -> Iterator[Fault]:
    """All layers between the loss and an updatable layer propagate gradients.

    A softmax is allowed there only as the direct input of the cross-entropy. Below the lowest updatable layer any type
    is allowed. Source: UpdatableNeuralNetworkValidator.cpp, the walk back from the loss. That walk is breadth-first and
    keeps one flag for all branches that says whether it has visited a layer that stops gradients. Therefore it refuses
    an updatable layer even if such a layer is on another branch at the same distance from the loss.
    """
    if graph.loss is None:
        return
    through = ", ".join(sorted(name for name, layer in LAYERS.items() if layer.passes_gradient))
    stopping = [node for node in between_loss_and_updatable(graph) if _stops_gradients(graph, node)]
    for node in stopping:
        assert node.layer is not None
        yield Fault(
            pointer("layers", node.index, "type"),
            f"found {node.layer.type} between the loss and an updatable layer; Core ML passes gradients only through "
            + through,
        )
    visited = None if stopping else _first_visited_before_updatable(graph)
    if visited is not None:
        stop, updatable = visited
        assert stop.layer is not None
        yield Fault(
            pointer("layers", stop.index, "type"),
            f"found {stop.layer.type}, which Core ML's validator visits before the updatable layer {updatable.name!r} "
            f"on its way back from the loss; before an updatable layer, on any branch, it allows only {through}: "
            f"replace {stop.name!r}, or make {updatable.name!r} not updatable",
        )


def _stops_gradients(graph: Graph, node: Node) -> bool:
    """Whether Core ML propagates no gradient through a layer; the softmax of a cross-entropy is an exception."""
    loss = graph.loss
    if node.layer is None or node.layer.passes_gradient or loss is None:
        return False
    return not (
        isinstance(loss, CategoricalCrossEntropy) and loss.input in node.outputs and node.layer.type == "softmax"
    )


def _first_visited_before_updatable(graph: Graph) -> tuple[Node, Node] | None:
    """A layer that stops gradients and an updatable layer that Apple's walk visits later; None if there are none."""
    assert graph.loss is not None
    stop: Node | None = None
    seen: set[int] = set()
    queue: deque[tuple[str, ...]] = deque([(graph.loss.input or "",)])
    while queue:
        for name in queue.popleft():
            node = graph.producers.get(name)
            if node is None or node.index in seen:
                continue
            seen.add(node.index)
            queue.append(node.inputs)
            if node.updatable and stop is not None:
                return stop, node
            if stop is None and _stops_gradients(graph, node):
                stop = node
    return None


def between_loss_and_updatable(graph: Graph) -> list[Node]:
    """The layers between the loss and an updatable layer, in the spec's order."""
    if graph.loss is None:
        return []
    carrying = _indices_above_updatable(graph)
    return [node for node in _nodes_below_the_loss(graph) if node.index in carrying]


def inputs_below_the_loss(graph: Graph) -> set[str]:
    """The names of the model inputs that the loss depends on, as far as the graph is known."""
    if graph.loss is None:
        return set()
    read = {name for node in _nodes_below_the_loss(graph) for name in node.inputs}
    return {name for part in graph.draft.inputs if (name := part.text("name")) and name in read}


def _nodes_below_the_loss(graph: Graph) -> list[Node]:
    """Every layer that the loss depends on, in the spec's order."""
    assert graph.loss is not None
    nodes: dict[int, Node] = {}
    names = [graph.loss.input or ""]
    while names:
        node = graph.producers.get(names.pop())
        if node is not None and node.index not in nodes:
            nodes[node.index] = node
            names.extend(node.inputs)
    return [nodes[index] for index in sorted(nodes)]


def _indices_above_updatable(graph: Graph) -> set[int]:
    """The indices of the layers that depend on an updatable layer."""
    carrying: set[int] = set()
    for node in graph.nodes:
        producers = [
            producer for name in node.inputs if (producer := graph.producers.get(name)) and producer.index < node.index
        ]
        if any(producer.updatable or producer.index in carrying for producer in producers):
            carrying.add(node.index)
    return carrying


def _trainable_types() -> str:
    return " or ".join(sorted(name for name, layer in LAYERS.items() if layer.trainable))


def cross_entropy_takes_a_softmax_output(graph: Graph) -> Iterator[Fault]:
    """The input of a cross-entropy is the output of a softmax. Source: UpdatableNeuralNetworkValidator.cpp."""
    loss = graph.loss
    if not isinstance(loss, CategoricalCrossEntropy) or loss.input is None:
        return
    producer = graph.producers.get(loss.input)
    if producer is None:
        yield from _not_made(graph, loss.input)
    elif producer.layer is not None and not isinstance(producer.layer, Softmax):
        yield Fault(
            "/loss/input",
            f"found {loss.input!r}, the output of layer {producer.name!r} of type {producer.layer.type}; a "
            "cross-entropy needs the output of a softmax",
        )


def cross_entropy_takes_a_vector(graph: Graph) -> Iterator[Fault]:
    """The input of a cross-entropy is one distribution: a vector. Source: `CategoricalCrossEntropyLossLayer`."""
    loss = graph.loss
    if not isinstance(loss, CategoricalCrossEntropy) or loss.input not in graph.producers:
        return
    input_shape = graph.shapes.get(loss.input or "")
    if input_shape is not None and not is_vector(input_shape):
        yield Fault(
            "/loss/input",
            f"found a blob of shape {shape_text(input_shape)}; a cross-entropy needs a vector: flatten first",
        )


def mean_squared_error_takes_a_layer_output(graph: Graph) -> Iterator[Fault]:
    """The input of a mean squared error is a layer's output. Source: UpdatableNeuralNetworkValidator.cpp."""
    loss = graph.loss
    if isinstance(loss, MeanSquaredError) and loss.input is not None and loss.input not in graph.producers:
        yield from _not_made(graph, loss.input)


def target_is_no_layer_output(graph: Graph) -> Iterator[Fault]:
    """The target is part of the examples and not a layer's output. Source: UpdatableNeuralNetworkValidator.cpp."""
    loss = graph.loss
    if loss is not None and loss.target in graph.shapes:
        what = "is the output of a layer" if loss.target in graph.producers else "is a model input"
        yield Fault("/loss/target", f"found {loss.target!r}, which {what}; needs a separate training input")


def _not_made(graph: Graph, name: str) -> Iterator[Fault]:
    if graph.is_named:
        yield Fault(
            "/loss/input",
            f"found {name!r}, which is not an output of a layer{did_you_mean(name, list(graph.producers))}",
        )


def training_inputs_include_inputs_of_the_loss(graph: Graph) -> Iterator[Fault]:
    """At least one model input is a training input, declared identically. Source: UpdatableNeuralNetworkValidator.cpp.

    Ours: every model input that the loss depends on is a training input, since the loss cannot be computed without it.
    """
    by_name = _training_inputs_by_name(graph)
    if by_name is None:
        return
    names = [name for part in graph.draft.inputs if (name := part.text("name"))]
    read = inputs_below_the_loss(graph)
    missing = [name for name in names if name in read and name not in by_name]
    for name in missing:
        yield Fault("/training_inputs", f"found no {name!r}; needs every model input that the loss depends on")
    if names and not missing and not any(name in by_name for name in names):
        yield Fault("/training_inputs", f"found no model input; needs at least one of {', '.join(names)}")
    for part in graph.draft.inputs:
        name = part.text("name")
        if name is None or name not in by_name:
            continue
        index, training = by_name[name]
        if training.value is not None and part.value is not None and training.value != part.value:
            yield Fault(
                pointer("training_inputs", index),
                f"found {_feature_text(training.value)}; the model's input is {_feature_text(part.value)}, "
                "and both must be the same",
            )


def training_inputs_include_the_target(graph: Graph) -> Iterator[Fault]:
    """The training inputs include the loss's target or a classifier's predicted feature.

    Source: UpdatableNeuralNetworkValidator.cpp.
    """
    by_name = _training_inputs_by_name(graph)
    if by_name is None or graph.target is None or graph.target in by_name:
        return
    what = "the classifier's predicted feature" if graph.draft.classifier is not None else "the loss's target"
    required = graph.draft.classifier.predicted_feature if graph.draft.classifier is not None else graph.target
    yield Fault("/training_inputs", f"found no {required!r}; needs {what}")


def target_type_and_shape_match_the_loss(graph: Graph) -> Iterator[Fault]:
    """A classifier's target is a label, a cross-entropy's an array; a mean squared error's matches the loss's input.

    Apple's validator checks the classifier's target (UpdatableNeuralNetworkValidator.cpp). Ours: the other checks,
    since Apple's validator has none and its runtime fails. `runtime.class-target` warns about other arrays for a
    cross-entropy.
    """
    by_name = _training_inputs_by_name(graph)
    if by_name is None or graph.loss is None or graph.target is None or graph.target not in by_name:
        return
    index, part = by_name[graph.target]
    value = part.value
    if value is None or graph.target in graph.shapes:
        return
    at = pointer("training_inputs", index)
    classifier = graph.draft.classifier
    if classifier is not None and value.name == classifier.predicted_feature:
        if value.type != classifier.label_type:
            yield Fault(at + "/type", f"found {value.type!r}; the classifier's labels are {classifier.label_type!r}")
        return
    if isinstance(graph.loss, CategoricalCrossEntropy):
        if not isinstance(value, ArrayFeature):
            yield Fault(at + "/type", f"found {value.type!r}; a cross-entropy needs 'int', a class index")
        return
    input_shape = graph.shapes.get(graph.loss.input or "")
    if not isinstance(value, ArrayFeature | NumberFeature) or value.type == "int":
        yield Fault(at + "/type", f"found {value.type!r}; a mean squared error needs 'float' or 'double'")
        return
    shape = value.shape if isinstance(value, ArrayFeature) else (1,)
    if input_shape is not None and shape is not None and input_shape not in (shape, rank5(shape)):
        yield Fault(at + "/shape", f"found {list(shape)}; the loss reads a blob of shape {shape_text(input_shape)}")


def training_inputs_are_all_used(graph: Graph) -> Iterator[Fault]:
    """No training input is unused. Ours: every example would have to contain it without effect."""
    by_name = _training_inputs_by_name(graph)
    if by_name is None or graph.loss is None:
        return
    required = {part.text("name") for part in graph.draft.inputs} | {graph.loss.target, graph.target}
    for name, (index, _) in by_name.items():
        if name not in required:
            yield Fault(
                pointer("training_inputs", index),
                f"found {name!r}, which is neither a model input nor the loss's target; remove it",
            )


def _training_inputs_by_name(graph: Graph) -> dict[str, tuple[int, Part[Feature]]] | None:
    """The training inputs by name; None where the spec leaves them out or does not name each."""
    parts = graph.draft.training_inputs
    if parts is None:
        return None
    named: dict[str, tuple[int, Part[Feature]]] = {}
    for index, part in enumerate(parts):
        name = part.text("name")
        if name is None:
            return None
        named.setdefault(name, (index, part))
    return named


def _feature_text(feature: Feature) -> str:
    return f"{feature.type} {list(feature.shape or ())}" if isinstance(feature, ArrayFeature) else feature.type

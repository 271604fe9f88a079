"""Rules about the layers that are trained."""

from collections import deque
from collections.abc import Iterator

from pippin.errors import Fault, pointer
from pippin.models.spec.graph import Graph, Node
from pippin.models.spec.losses import CategoricalCrossEntropy
from pippin.models.spec.table import LAYERS


def some_layer_is_updatable(graph: Graph) -> Iterator[Fault]:
    """At least one layer is updatable. Source: UpdatableNeuralNetworkValidator.cpp."""
    if graph.nodes and not any(node.updatable for node in graph.nodes):
        yield Fault("/layers", f'found no updatable layer; give "updatable": true to one of type {_trainable_types()}')


def updatable_layers_are_of_a_trainable_type(graph: Graph) -> Iterator[Fault]:
    """Only some types may be updatable. Source: UpdatableNeuralNetworkValidator.cpp."""
    for node in graph.nodes:
        if node.updatable and node.layer is not None and not node.layer.trainable:
            yield Fault(
                pointer("layers", node.index, "updatable"),
                f"found an updatable layer of type {node.layer.type}; Core ML trains {_trainable_types()}",
            )


def gradients_can_reach_every_updatable_layer(graph: Graph) -> Iterator[Fault]:
    """Between the loss and an updatable layer stand only types that pass a gradient on.

    A softmax may stand there only where it feeds the cross-entropy itself. Below the lowest updatable layer anything
    may stand. Source: UpdatableNeuralNetworkValidator.cpp, the walk back from the loss. That walk goes breadth first
    and remembers for all of it whether it came by a layer that stops gradients: so an updatable layer is refused also
    where such a layer stands on another branch that is as near to the loss.
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
    met = None if stopping else _met_before_an_updatable_layer(graph)
    if met is not None:
        stop, trained = met
        assert stop.layer is not None
        yield Fault(
            pointer("layers", stop.index, "type"),
            f"found {stop.layer.type}, which Core ML's validator visits before the updatable layer {trained.name!r} on "
            f"its way back from the loss; before an updatable layer, on any branch, it takes only {through}: replace "
            f"{stop.name!r}, or make {trained.name!r} not updatable",
        )


def _stops_gradients(graph: Graph, node: Node) -> bool:
    """Whether Core ML passes no gradient through a layer, other than the softmax that a cross-entropy judges."""
    loss = graph.loss
    if node.layer is None or node.layer.passes_gradient or loss is None:
        return False
    return not (
        isinstance(loss, CategoricalCrossEntropy) and loss.input in node.outputs and node.layer.type == "softmax"
    )


def _met_before_an_updatable_layer(graph: Graph) -> tuple[Node, Node] | None:
    """The layer that stops gradients and the updatable one that Apple's walk visits after it; None without them."""
    assert graph.loss is not None
    stop: Node | None = None
    seen: set[int] = set()
    waiting: deque[tuple[str, ...]] = deque([(graph.loss.input or "",)])
    while waiting:
        for name in waiting.popleft():
            node = graph.makers.get(name)
            if node is None or node.index in seen:
                continue
            seen.add(node.index)
            waiting.append(node.inputs)
            if node.updatable and stop is not None:
                return stop, node
            if stop is None and _stops_gradients(graph, node):
                stop = node
    return None


def between_loss_and_updatable(graph: Graph) -> list[Node]:
    """The layers that a gradient passes on its way from the loss to an updatable layer, in the spec's order."""
    if graph.loss is None:
        return []
    carrying = _nodes_above_an_updatable_one(graph)
    return [node for node in _nodes_below_the_loss(graph) if node.index in carrying]


def inputs_below_the_loss(graph: Graph) -> set[str]:
    """The names of the model's inputs that the loss depends on, as far as the graph is known."""
    if graph.loss is None:
        return set()
    read = {name for node in _nodes_below_the_loss(graph) for name in node.inputs}
    return {name for part in graph.draft.inputs if (name := part.text("name")) and name in read}


def _nodes_below_the_loss(graph: Graph) -> list[Node]:
    """Every layer that the loss depends on, in the spec's order."""
    assert graph.loss is not None
    found: dict[int, Node] = {}
    names = [graph.loss.input or ""]
    while names:
        node = graph.makers.get(names.pop())
        if node is not None and node.index not in found:
            found[node.index] = node
            names.extend(node.inputs)
    return [found[index] for index in sorted(found)]


def _nodes_above_an_updatable_one(graph: Graph) -> set[int]:
    """The places of the layers that depend on an updatable layer."""
    carrying: set[int] = set()
    for node in graph.nodes:
        makers = [maker for name in node.inputs if (maker := graph.makers.get(name)) and maker.index < node.index]
        if any(maker.updatable or maker.index in carrying for maker in makers):
            carrying.add(node.index)
    return carrying


def _trainable_types() -> str:
    return " or ".join(sorted(name for name, layer in LAYERS.items() if layer.trainable))

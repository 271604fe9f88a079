"""Rules about the layers that are trained."""

from collections.abc import Iterator

from pippin.faults import Fault, pointer
from pippin.spec.graph import Graph, Node
from pippin.spec.losses import CategoricalCrossEntropy
from pippin.spec.table import LAYERS


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
    may stand. Source: UpdatableNeuralNetworkValidator.cpp, the walk back from the loss.
    """
    if graph.loss is None:
        return
    exempt = graph.makers.get(graph.loss.input or "") if isinstance(graph.loss, CategoricalCrossEntropy) else None
    for node in between_loss_and_updatable(graph):
        if node.layer is None or node.layer.passes_gradient or node is exempt:
            continue
        yield Fault(
            pointer("layers", node.index, "type"),
            f"found {node.layer.type} between the loss and an updatable layer; Core ML passes gradients only through "
            + ", ".join(sorted(name for name, layer in LAYERS.items() if layer.passes_gradient)),
        )


def between_loss_and_updatable(graph: Graph) -> list[Node]:
    """The layers that a gradient passes on its way from the loss to an updatable layer, in the spec's order."""
    if graph.loss is None:
        return []
    carrying = _nodes_above_an_updatable_one(graph)
    return [node for node in _nodes_below_the_loss(graph) if node.index in carrying]


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

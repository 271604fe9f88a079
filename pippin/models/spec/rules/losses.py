"""Rules about what the loss judges, and against what."""

from collections.abc import Iterator

from pippin.documents.hints import did_you_mean
from pippin.errors import Fault
from pippin.models.spec.graph import Graph
from pippin.models.spec.layers.activations import Softmax
from pippin.models.spec.losses import CategoricalCrossEntropy, MeanSquaredError
from pippin.models.spec.shapes import is_vector, said


def cross_entropy_judges_a_softmax(graph: Graph) -> Iterator[Fault]:
    """The input of a cross-entropy is what a softmax makes. Source: UpdatableNeuralNetworkValidator.cpp."""
    loss = graph.loss
    if not isinstance(loss, CategoricalCrossEntropy) or loss.input is None:
        return
    maker = graph.makers.get(loss.input)
    if maker is None:
        yield from _not_made(graph, loss.input)
    elif maker.layer is not None and not isinstance(maker.layer, Softmax):
        yield Fault(
            "/loss/input",
            f"found {loss.input!r}, made by layer {maker.name!r} of type {maker.layer.type}; "
            "a cross-entropy needs what a softmax makes",
        )


def cross_entropy_judges_a_distribution(graph: Graph) -> Iterator[Fault]:
    """What a cross-entropy judges is one distribution: a vector. Source: `CategoricalCrossEntropyLossLayer`."""
    loss = graph.loss
    if not isinstance(loss, CategoricalCrossEntropy) or loss.input not in graph.makers:
        return
    judged = graph.shapes.get(loss.input or "")
    if judged is not None and not is_vector(judged):
        yield Fault(
            "/loss/input", f"found a blob of shape {said(judged)}; a cross-entropy needs a vector: flatten first"
        )


def mean_squared_error_judges_what_a_layer_makes(graph: Graph) -> Iterator[Fault]:
    """The input of a mean squared error is made in the graph. Source: UpdatableNeuralNetworkValidator.cpp."""
    loss = graph.loss
    if isinstance(loss, MeanSquaredError) and loss.input is not None and loss.input not in graph.makers:
        yield from _not_made(graph, loss.input)


def target_is_not_made_in_the_graph(graph: Graph) -> Iterator[Fault]:
    """The target comes with the examples: no layer makes it. Source: UpdatableNeuralNetworkValidator.cpp."""
    loss = graph.loss
    if loss is not None and loss.target in graph.shapes:
        what = "a layer makes" if loss.target in graph.makers else "is a model input"
        yield Fault("/loss/target", f"found {loss.target!r}, which {what}; needs a training input of its own")


def _not_made(graph: Graph, name: str) -> Iterator[Fault]:
    if graph.is_named:
        yield Fault("/loss/input", f"found {name!r}, which no layer makes{did_you_mean(name, list(graph.makers))}")

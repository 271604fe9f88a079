"""Warnings about models that pass Core ML's validator and are known to fail at run time, each with its source."""

from collections.abc import Iterator

from pippin.errors import Fault, pointer
from pippin.models.spec.features import ArrayFeature
from pippin.models.spec.graph import Graph
from pippin.models.spec.rules.training import between_loss_and_updatable
from pippin.models.spec.training import CategoricalCrossEntropy, MeanSquaredError

_LSTMS = frozenset({"uni_directional_lstm", "bi_directional_lstm"})


def no_batch_normalization_below_the_loss(graph: Graph) -> Iterator[Fault]:
    """Core ML computes no gradient of a batch normalization. Source: coremltools issue 492."""
    for node in between_loss_and_updatable(graph):
        if node.layer is not None and node.layer.type == "batchnorm":
            yield Fault(
                pointer("layers", node.index),
                f"found the batch normalization {node.name!r} between the loss and an updatable layer; Core ML's "
                "validator accepts that and its training fails (coremltools issue 492): train only layers above it",
            )


def has_no_lstm(graph: Graph) -> Iterator[Fault]:
    """Core ML cannot update a model with an LSTM at any position. Source: coremltools issues 490 and 2074."""
    for node in graph.nodes:
        if node.layer is not None and node.layer.type in _LSTMS:
            yield Fault(
                pointer("layers", node.index),
                f"found the LSTM {node.name!r}; Core ML's validator accepts that and its training fails, even where "
                "the layer is frozen (coremltools issues 490 and 2074): use the jax engine, which can train the model",
            )


def class_target_is_an_index(graph: Graph) -> Iterator[Fault]:
    """A cross-entropy's target is one class index. Source: coremltools issue 490, for a float one-hot target."""
    if not isinstance(graph.loss, CategoricalCrossEntropy):
        return
    for index, part in enumerate(graph.draft.training_inputs or ()):
        value = part.value
        if not isinstance(value, ArrayFeature) or value.name != graph.target or value.name in graph.shapes:
            continue
        if value.type != "int" or value.shape not in (None, (1,)):
            yield Fault(
                pointer("training_inputs", index),
                f"found the target {value.name!r} as {value.type} {list(value.shape or ())}; Core ML's validator "
                "accepts that and its training crashes on anything but one class index, 'int' [1] (coremltools issue "
                "490): use the jax engine, which trains the model with class indices",
            )


def softmax_input_has_one_axis(graph: Graph) -> Iterator[Fault]:
    """A softmax of a blob of rank 3 uses an axis other than documented. Source: coremltools issue 1714."""
    for node in graph.nodes:
        if node.layer is None or node.layer.type != "softmax" or not node.inputs:
            continue
        shape = graph.shapes.get(node.inputs[0])
        if shape is not None and len(shape) == 3 and (shape[0] != 1 or shape[1] != 1):
            yield Fault(
                pointer("layers", node.index),
                f"found a softmax of a blob of shape {list(shape)}; Apple documents the axis -3, but the "
                "runtime was seen to use the axis -1 (coremltools issue 1714), as Pippin does: give the blob the shape "
                "[1, 1, C]",
            )


def mean_squared_error_takes_an_activation(graph: Graph) -> Iterator[Fault]:
    """A mean squared error of a layer without an activation may not compile. Source: coremltools issues 1983, 2070."""
    loss = graph.loss
    if not isinstance(loss, MeanSquaredError):
        return
    producer = graph.producers.get(loss.input or "")
    while producer is not None and producer.layer is not None and producer.layer.type == "flatten":
        # A flatten does not change values.
        producer = graph.producers.get(producer.inputs[0]) if producer.inputs else None
    if producer is not None and producer.layer is not None and producer.layer.type in _LINEAR:
        yield Fault(
            "/loss/input",
            f"found a mean squared error of {loss.input!r}, the output of the {producer.layer.type} {producer.name!r}, "
            "which has no activation; such models are reported to fail when Core ML compiles them, unless a sigmoid "
            "follows (coremltools issue 1983), or to report negative losses (issue 2070). The cause is unclear, and "
            "other such models are known to train",
        )


_LINEAR = frozenset({"inner_product", "convolution"})


def outputs_are_not_integers(graph: Graph) -> Iterator[Fault]:
    """An INT32 output cannot hold the fractions that layers make. Source: coremltools issue 490, with such a model."""
    for index, part in enumerate(graph.draft.outputs or ()):
        if isinstance(part.value, ArrayFeature) and part.value.type == "int":
            yield Fault(
                pointer("outputs", index, "type"),
                f"found the output {part.value.name!r} as 'int'; layers make fractions, and how Core ML converts them "
                "to whole numbers is not documented (such a model is in coremltools issue 490): Pippin returns "
                "the fractions; declare 'float' or 'double'",
            )

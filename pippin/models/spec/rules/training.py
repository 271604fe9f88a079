"""Rules about what a training example holds."""

from collections.abc import Iterator

from pippin.errors import Fault, pointer
from pippin.models.spec.features import ArrayFeature, Feature, NumberFeature
from pippin.models.spec.graph import Graph
from pippin.models.spec.losses import CategoricalCrossEntropy
from pippin.models.spec.parse import Part
from pippin.models.spec.rules.updatable import inputs_below_the_loss
from pippin.models.spec.shapes import rank5, said


def training_inputs_hold_what_the_loss_reads(graph: Graph) -> Iterator[Fault]:
    """Some model input is a training input, just as it is declared. Source: UpdatableNeuralNetworkValidator.cpp.

    Ours: so is every one that the loss depends on. Without it the loss cannot be computed.
    """
    listed = _listed(graph)
    if listed is None:
        return
    names = [name for part in graph.draft.inputs if (name := part.text("name"))]
    read = inputs_below_the_loss(graph)
    lacking = [name for name in names if name in read and name not in listed]
    for name in lacking:
        yield Fault("/training_inputs", f"found no {name!r}; needs every model input that the loss depends on")
    if names and not lacking and not any(name in listed for name in names):
        yield Fault("/training_inputs", f"found no model input; needs at least one of {', '.join(names)}")
    for part in graph.draft.inputs:
        name = part.text("name")
        if name is None or name not in listed:
            continue
        index, training = listed[name]
        if training.value is not None and part.value is not None and training.value != part.value:
            yield Fault(
                pointer("training_inputs", index),
                f"found {_said(training.value)}; the model's input is {_said(part.value)}, and both must be the same",
            )


def training_inputs_hold_the_target(graph: Graph) -> Iterator[Fault]:
    """The loss's target, or a classifier's own predicted feature. Source: UpdatableNeuralNetworkValidator.cpp."""
    listed = _listed(graph)
    if listed is None or graph.target is None or graph.target in listed:
        return
    what = "what the classifier predicts" if graph.draft.classifier is not None else "the loss's target"
    wanted = graph.draft.classifier.predicted_feature if graph.draft.classifier is not None else graph.target
    yield Fault("/training_inputs", f"found no {wanted!r}; needs {what}")


def target_has_the_type_and_shape_that_the_loss_needs(graph: Graph) -> Iterator[Fault]:
    """A class's name for a classifier, an array for a cross-entropy, what is judged for a mean squared error.

    A classifier's is Apple's own check (UpdatableNeuralNetworkValidator.cpp). Ours are the others: Apple's validator
    does not look, and its runtime fails. What else a cross-entropy's array may be, `runtime.class-target` says.
    """
    listed = _listed(graph)
    if listed is None or graph.loss is None or graph.target is None or graph.target not in listed:
        return
    index, part = listed[graph.target]
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
    judged = graph.shapes.get(graph.loss.input or "")
    if not isinstance(value, ArrayFeature | NumberFeature) or value.type == "int":
        yield Fault(at + "/type", f"found {value.type!r}; a mean squared error needs 'float' or 'double'")
        return
    shape = value.shape if isinstance(value, ArrayFeature) else (1,)
    if judged is not None and shape is not None and judged not in (shape, rank5(shape)):
        yield Fault(at + "/shape", f"found {list(shape)}; the loss judges a blob of shape {said(judged)}")


def training_inputs_hold_nothing_else(graph: Graph) -> Iterator[Fault]:
    """No training input that nothing reads. Ours: every example would have to carry it in vain."""
    listed = _listed(graph)
    if listed is None or graph.loss is None:
        return
    wanted = {part.text("name") for part in graph.draft.inputs} | {graph.loss.target, graph.target}
    for name, (index, _) in listed.items():
        if name not in wanted:
            yield Fault(
                pointer("training_inputs", index),
                f"found {name!r}, which is neither a model input nor the loss's target; leave it out",
            )


def _listed(graph: Graph) -> dict[str, tuple[int, Part[Feature]]] | None:
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


def _said(feature: Feature) -> str:
    return f"{feature.type} {list(feature.shape or ())}" if isinstance(feature, ArrayFeature) else feature.type

"""Rules about what a training example holds."""

from collections.abc import Iterator

from pippin.faults import Fault, pointer
from pippin.spec.features import ArrayFeature, Feature, NumberFeature
from pippin.spec.graph import Graph
from pippin.spec.losses import CategoricalCrossEntropy
from pippin.spec.parse import Part
from pippin.spec.shapes import rank5, said


def training_inputs_hold_every_model_input(graph: Graph) -> Iterator[Fault]:
    """Every model input is a training input of the same shape and type. Source: Validators.cpp, trainingInput."""
    listed = _listed(graph)
    if listed is None:
        return
    for part in graph.draft.inputs:
        name = part.text("name")
        if name is None:
            continue
        if name not in listed:
            yield Fault("/training_inputs", f"found no {name!r}; needs every model input")
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
    named = {name: (index, part) for index, part in enumerate(parts) if (name := part.text("name"))}
    return named if len(named) == len(parts) else None


def _said(feature: Feature) -> str:
    return f"{feature.type} {list(feature.shape or ())}" if isinstance(feature, ArrayFeature) else feature.type

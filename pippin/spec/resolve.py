"""From a document to a spec that is known to be right, or to every reason why it is not."""

from pippin.spec.errors import SpecError
from pippin.spec.graph import Graph, complete, trace
from pippin.spec.model import ModelSpec
from pippin.spec.parse import parse
from pippin.spec.resolved import ResolvedSpec
from pippin.spec.rules import RULES


def resolve(document: object) -> ResolvedSpec:
    """Infer what `document` leaves out and check all of it.

    Args:
        document: A spec as JSON has it, or a `ModelSpec`.

    Raises:
        SpecError: With every fault at once, each with a pointer from the spec's root.
    """
    if isinstance(document, ModelSpec):
        document = document.document()
    draft, faults = parse(document)
    graph = trace(draft)
    faults = [*faults, *graph.faults, *(fault for rule in RULES for fault in rule(graph))]
    if faults:
        raise SpecError("the spec has faults", dict.fromkeys(faults))
    assert draft.spec is not None
    return _resolved(draft.spec, graph)


def _resolved(spec: ModelSpec, graph: Graph) -> ResolvedSpec:
    layers = tuple(complete(node, graph.shapes) for node in graph.nodes)
    return ResolvedSpec(
        spec=spec.model_copy(
            update={
                "layers": tuple(resolved.layer for resolved in layers),
                "loss": graph.loss,
                "training_inputs": graph.training_inputs,
            }
        ),
        layers=layers,
        shapes={name: shape for name, shape in graph.shapes.items() if shape is not None},
    )

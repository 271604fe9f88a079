"""Resolves and validates a document: the result is a valid spec or all of the document's faults."""

from pippin.models.spec.findings import Finding, SpecError
from pippin.models.spec.graph import Graph, complete, trace
from pippin.models.spec.model import ModelSpec, NetworkSpec
from pippin.models.spec.parse import parse
from pippin.models.spec.resolved import ResolvedLayer, ResolvedNetwork, ResolvedSpec
from pippin.models.spec.rules import RULES_BY_ID, TRAINING_RULES_BY_ID, WARNINGS_BY_ID, Rule
from pippin.models.spec.values import Shape


def resolve(document: object) -> ResolvedSpec:
    """Infer the fields that `document` leaves out and validate the result.

    Args:
        document: A spec as a JSON value, or a `ModelSpec`.

    Raises:
        SpecError: With every fault at once, each with a pointer from the spec's root.
    """
    spec, graph = _checked(document, ModelSpec, RULES_BY_ID | TRAINING_RULES_BY_ID)
    assert isinstance(spec, ModelSpec)
    layers = _completed(graph)
    return ResolvedSpec(
        spec=spec.model_copy(
            update=_filled(graph, layers) | {"loss": graph.loss, "training_inputs": graph.training_inputs}
        ),
        layers=layers,
        shapes=_shapes(graph),
        has_true_ranks=graph.has_true_ranks,
        findings=tuple(Finding.of(fault, name) for name, warning in WARNINGS_BY_ID.items() for fault in warning(graph)),
    )


def resolve_network(document: object) -> ResolvedNetwork:
    """Resolve an inference-only network, such as the frozen front of a pipeline.

    Raises:
        SpecError: As `resolve` does.
    """
    spec, graph = _checked(document, NetworkSpec, RULES_BY_ID)
    layers = _completed(graph)
    return ResolvedNetwork(
        spec=spec.model_copy(update=_filled(graph, layers)),
        layers=layers,
        shapes=_shapes(graph),
        has_true_ranks=graph.has_true_ranks,
    )


def _checked(document: object, kind: type[NetworkSpec], rules: dict[str, Rule]) -> tuple[NetworkSpec, Graph]:
    if isinstance(document, NetworkSpec):
        document = document.document()
    draft, faults = parse(document, kind)
    graph = trace(draft)
    faults = [*faults, *graph.faults, *(fault.of(name) for name, rule in rules.items() for fault in rule(graph))]
    if faults:
        raise SpecError("the spec has faults", dict.fromkeys(faults))
    assert draft.spec is not None
    return draft.spec, graph


def _completed(graph: Graph) -> tuple[ResolvedLayer, ...]:
    return tuple(complete(node, graph.shapes) for node in graph.nodes)


def _filled(graph: Graph, layers: tuple[ResolvedLayer, ...]) -> dict[str, object]:
    return {"layers": tuple(resolved.layer for resolved in layers), "outputs": graph.outputs}


def _shapes(graph: Graph) -> dict[str, Shape]:
    return {name: shape for name, shape in graph.shapes.items() if shape is not None}

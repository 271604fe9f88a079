"""Rules about what goes into a model and comes out of it."""

from collections.abc import Iterator

from pippin.faults import Fault, pointer
from pippin.spec.explain import did_you_mean
from pippin.spec.graph import Graph


def array_inputs_have_rank_one_or_three(graph: Graph) -> Iterator[Fault]:
    """With RANK5 arrays an input is [C] or [C, H, W]. Source: NeuralNetworkValidator.cpp, `arrayInputShapeMapping`."""
    for index, part in enumerate(graph.draft.inputs):
        if part.value is not None and len(part.value.shape) not in (1, 3):
            yield Fault(
                pointer("inputs", index, "shape"),
                f"found {list(part.value.shape)}; needs [C] for a vector or [C, H, W]",
            )


def outputs_are_made_by_a_layer(graph: Graph) -> Iterator[Fault]:
    """Every output is a blob that a layer makes. Source: NeuralNetworkValidator.cpp, outputs of the interface."""
    if not graph.is_named:
        return
    for index, part in enumerate(graph.draft.outputs):
        name = part.text("name")
        if name is not None and name not in graph.makers:
            hint = did_you_mean(name, list(graph.makers))
            yield Fault(pointer("outputs", index, "name"), f"found {name!r}, which no layer makes{hint}")


def outputs_have_the_shape_that_is_made(graph: Graph) -> Iterator[Fault]:
    """A declared shape is the one that the layers make. Ours: Apple's validator does not check it."""
    for index, part in enumerate(graph.draft.outputs):
        if part.value is None:
            continue
        made = graph.shapes.get(part.value.name)
        if made is not None and part.value.name in graph.makers and part.value.shape != made:
            yield Fault(
                pointer("outputs", index, "shape"), f"found {list(part.value.shape)}; the layers make {list(made)}"
            )
        if part.value.type == "int":
            yield Fault(pointer("outputs", index, "type"), "found 'int'; what layers make is 'float' or 'double'")

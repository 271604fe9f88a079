"""Rules about names."""

from collections.abc import Iterator

from pippin.errors import Fault, pointer
from pippin.models.spec.graph import Graph
from pippin.models.spec.reserved import PREFIX


def layers_and_loss_have_names_of_their_own(graph: Graph) -> Iterator[Fault]:
    """No two layers, nor a layer and the loss, share a name. Source: NeuralNetworkValidatorGraph.hpp."""
    seen: dict[str, int] = {}
    for node in graph.nodes:
        if node.name is None:
            continue
        if node.name in seen:
            yield Fault(
                pointer("layers", node.index, "name"),
                f"found {node.name!r}, the name of layer {seen[node.name]} too; needs a name of its own",
            )
        seen.setdefault(node.name, node.index)
    if graph.loss is not None and graph.loss.name in seen:
        yield Fault("/loss/name", f"found {graph.loss.name!r}, a layer's name too; needs a name of its own")


def features_have_names_of_their_own(graph: Graph) -> Iterator[Fault]:
    """No two inputs, outputs or training inputs share a name. Ours: Apple's validator does not look.

    A training input may be listed twice in the same words: coremltools appends those of a loss to those that are there.
    """
    lists = {
        "inputs": graph.draft.inputs,
        "outputs": graph.draft.outputs or (),
        "training_inputs": graph.draft.training_inputs or (),
    }
    for field, parts in lists.items():
        seen: dict[str, object] = {}
        for index, part in enumerate(parts):
            name = part.text("name")
            if name is None:
                continue
            meant = part.raw if part.value is None else part.value
            if name in seen and not (field == "training_inputs" and meant == seen[name]):
                yield Fault(pointer(field, index, "name"), f"found {name!r} a second time; needs a name of its own")
            seen.setdefault(name, meant)


def pippins_own_keys_are_left_alone(graph: Graph) -> Iterator[Fault]:
    """Keys that begin with `pippin.` are what Pippin itself writes into a file's metadata. Ours, not Apple's."""
    for key in graph.draft.user_defined:
        if key.startswith(PREFIX):
            yield Fault(
                pointer("user_defined", key), f"found a key that begins with {PREFIX!r}; those are Pippin's own"
            )

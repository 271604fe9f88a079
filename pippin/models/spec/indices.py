"""Which inputs of a network hold indices: whole numbers that an embedding looks up."""

from pippin.models.spec.layers.dense import Embedding
from pippin.models.spec.layers.shape import Flatten, Permute, Reshape
from pippin.models.spec.resolved import ResolvedNetwork

# They hand on every number of their input, each unchanged.
_REARRANGING = (Flatten, Permute, Reshape)


def indexed_inputs(resolved: ResolvedNetwork) -> dict[str, int]:
    """How many indices an embedding knows, by the name of the input all of whose numbers it looks up.

    Where several embeddings read one input, the smallest of them counts. What other layers make of an input before an
    embedding reads it is not followed.
    """
    makers = {name: entry for entry in resolved.layers for name in entry.outputs}
    inputs = {feature.name for feature in resolved.inputs}
    found: dict[str, int] = {}
    for entry in resolved.layers:
        if not isinstance(entry.layer, Embedding):
            continue
        name = entry.inputs[0]
        while name in makers and isinstance(makers[name].layer, _REARRANGING):
            name = makers[name].inputs[0]
        if name in inputs:
            found[name] = min(entry.layer.input_dim, found.get(name, entry.layer.input_dim))
    return found

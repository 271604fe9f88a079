"""How many examples are computed at once, so that memory does not grow with how many there are."""

from collections.abc import Iterator
from math import prod

from pippin.models.mlmodel import AnyModel, FrozenNetwork, Pipeline
from pippin.models.neighbors import NeighborsModel

# Numbers in the blobs of all examples of a portion: 16 MiB, of which a convolution makes copies, one a kernel's cell.
_NUMBERS = 2**22
# More do not compute any faster.
_MOST = 256


def portions(model: AnyModel, count: int) -> Iterator[slice]:
    """Slices that together are `count` examples, in order."""
    size = max(1, min(_MOST, _NUMBERS // max(1, _numbers(model))))
    return (slice(begin, min(begin + size, count)) for begin in range(0, count, size))


def _numbers(model: AnyModel) -> int:
    """How many numbers the blobs of one example hold."""
    if isinstance(model, NeighborsModel):
        return model.dimensions
    if isinstance(model, Pipeline):
        return sum(map(_numbers_of_network, model.front)) + _numbers(model.last)
    return _numbers_of_network(model)


def _numbers_of_network(network: FrozenNetwork) -> int:
    return sum(map(prod, network.resolved.shapes.values()))

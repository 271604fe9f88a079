"""A kernel that slides over an image, and what it sees."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pippin.network.arrays import Array, Namespace

Pair = tuple[int, int]
Borders = tuple[Pair, Pair]
"""((top, bottom), (left, right))."""


def with_borders(x: Array, borders: Borders, value: float, xp: Namespace) -> Array:
    """[N, H, W, C] with rows and columns of `value` added."""
    if borders == ((0, 0), (0, 0)):
        return x
    return xp.pad(x, ((0, 0), *borders, (0, 0)), constant_values=value)


@dataclass(frozen=True)
class Window:
    """The positions of a kernel that lie within an image; each pair is (vertical, horizontal).

    Attributes:
        kernel: How many cells the kernel has.
        stride: Pixels from one position of the kernel to the next.
        dilation: Pixels from one cell of the kernel to the next.
        count: How many positions there are.
        first: The pixel under the first cell at the first position.
    """

    kernel: Pair
    stride: Pair
    dilation: Pair
    count: Pair
    first: Pair = (0, 0)

    @classmethod
    def within(cls, size: Pair, kernel: Pair, stride: Pair, dilation: Pair = (1, 1)) -> "Window":
        """All positions within an image of `size`."""
        vertical, horizontal = (
            (size[axis] - (kernel[axis] - 1) * dilation[axis] - 1) // stride[axis] + 1 for axis in (0, 1)
        )
        return cls(kernel, stride, dilation, (vertical, horizontal))

    def phases(self, other: "Window") -> list["Window"]:
        """One window for each cell of `other`: those positions of this one that the cell sees, in row-major order.

        `other` slides over the positions of this window as over pixels.
        """
        stride = (self.stride[0] * other.stride[0], self.stride[1] * other.stride[1])
        return [
            Window(self.kernel, stride, self.dilation, other.count, (row * self.stride[0], column * self.stride[1]))
            for row in range(other.kernel[0])
            for column in range(other.kernel[1])
        ]

    def cells(self, x: Array) -> list[Array]:
        """What each cell of the kernel sees of `x` [N, H, W, C], cells in row-major order: [N, *count, C] each."""
        return [
            x[:, self._under(0, row), self._under(1, column)]
            for row in range(self.kernel[0])
            for column in range(self.kernel[1])
        ]

    def _under(self, axis: int, cell: int) -> slice:
        start = self.first[axis] + cell * self.dilation[axis]
        return slice(start, start + (self.count[axis] - 1) * self.stride[axis] + 1, self.stride[axis])


Combine = Callable[[Sequence[Array]], Array]
"""Makes one array of several of one shape, each number of those in its place: a sum, a maximum."""


def combined(x: Array, axis: int, width: int, combine: Combine) -> Array:
    """`x` with each number replaced by what it and the next `width` - 1 along `axis` combine to.

    The axis gets `width` - 1 shorter. A run is combined of its two halves, the earlier first, so that it takes as many
    steps as `width` has binary digits, or twice as many. With one step a neighbour, XLA took 54 s to compile the
    maximum of an image of 112x112 and its gradient.
    """
    if width == 1:
        return x
    if width % 2:
        length = x.shape[axis]
        earlier = combined(_part(x, axis, 0, length - 1), axis, width - 1, combine)
        return combine([earlier, _part(x, axis, width - 1, length)])
    half = combined(x, axis, width // 2, combine)
    length = half.shape[axis]
    return combine([_part(half, axis, 0, length - width // 2), _part(half, axis, width // 2, length)])


def _part(x: Array, axis: int, start: int, stop: int) -> Array:
    return x[(*(slice(None),) * (axis % x.ndim), slice(start, stop))]

"""A kernel that slides over an image, and what it sees."""

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

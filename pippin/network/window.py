"""A kernel that slides over an image: where it starts, what it sees, how far it reaches over the edge."""

from dataclasses import dataclass

from pippin.network.arrays import Array, Namespace

Pair = tuple[int, int]


@dataclass(frozen=True)
class Window:
    """The positions of a kernel, each pair (vertical, horizontal).

    Attributes:
        kernel: Cells of the kernel.
        stride: Pixels between two positions of the kernel.
        dilation: Pixels between two cells of the kernel.
        before: Pixels by which the first position reaches over the top and the left edge.
        count: Number of positions, which is the size of the output image.
    """

    kernel: Pair
    stride: Pair
    dilation: Pair
    before: Pair
    count: Pair

    def borders(self, size: Pair) -> tuple[Pair, Pair]:
        """((top, bottom), (left, right)): what an image of `size` lacks for every position to lie within it."""
        top_bottom, left_right = (
            (
                self.before[axis],
                max(0, (self.count[axis] - 1) * self.stride[axis] + self._extent(axis) - size[axis] - self.before[axis]),
            )
            for axis in (0, 1)
        )
        return top_bottom, left_right

    def _extent(self, axis: int) -> int:
        return (self.kernel[axis] - 1) * self.dilation[axis] + 1

    def pad(self, x: Array, xp: Namespace, value: float) -> Array:
        """`x` [N, H, W, C] with its borders filled with `value`."""
        borders = self.borders(x.shape[1:3])
        if borders == ((0, 0), (0, 0)):
            return x
        return xp.pad(x, ((0, 0), *borders, (0, 0)), constant_values=value)

    def cells(self, padded: Array) -> list[Array]:
        """What each cell of the kernel sees, cells in row-major order: kH*kW arrays [N, *count, C]."""
        return [
            padded[:, self._seen(0, row), self._seen(1, column)]
            for row in range(self.kernel[0])
            for column in range(self.kernel[1])
        ]

    def _seen(self, axis: int, cell: int) -> slice:
        first = cell * self.dilation[axis]
        return slice(first, first + (self.count[axis] - 1) * self.stride[axis] + 1, self.stride[axis])

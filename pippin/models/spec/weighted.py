"""Base classes of layers with weights, which a spec can contain as nested lists."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from math import prod
from typing import ClassVar, Literal

from pydantic import Field

from pippin.errors import Fault, pointer
from pippin.models.spec.layer import Layer
from pippin.models.spec.values import Flag, Shape

_LARGEST_FLOAT32 = 3.4028234663852886e38


def array_faults(array: object, shape: Shape) -> Iterator[Fault]:
    """The first fault of `array` if it is not a nested list of finite float32 numbers of `shape`.

    Only the first, because one mistake in the creation of an array causes thousands of faults.
    """
    fault = _first_array_fault(array, shape, ())
    if fault is not None:
        yield fault


def _first_array_fault(array: object, shape: Shape, path: tuple[int, ...]) -> Fault | None:
    if not shape:
        if isinstance(array, int | float) and not isinstance(array, bool) and abs(array) <= _LARGEST_FLOAT32:
            return None
        return Fault(pointer(*path), f"found {array!r:.60}; needs a finite number that a float32 can hold")
    if not isinstance(array, list | tuple):
        return Fault(pointer(*path), f"found {array!r:.60}; needs a list of {shape[0]} (shape {list(shape)} from here)")
    if len(array) != shape[0]:
        return Fault(
            pointer(*path), f"found a list of {len(array)}; needs one of {shape[0]} (shape {list(shape)} from here)"
        )
    faults = (_first_array_fault(entry, shape[1:], (*path, index)) for index, entry in enumerate(array))
    return next((fault for fault in faults if fault is not None), None)


Initializer = Literal["he_uniform", "glorot_uniform", "zeros"]


class Parametric(Layer):
    """A layer with arrays, each of which a spec can contain in a separate field."""

    def explicit_array(self, key: str) -> object | None:
        """The explicit array for `key` of `weight_shapes`; None if the spec leaves the array out."""
        array: object | None = getattr(self, key)
        return array

    @abstractmethod
    def fill_value(self, key: str) -> float | None:
        """The initial value of all numbers in the array `key`; None if the array is drawn at random."""

    def faults(self, inputs: tuple[Shape, ...]) -> Iterator[Fault]:
        """Explicit arrays of another shape than the layer's."""
        for key, shape in self.weight_shapes(inputs).items():
            if (array := self.explicit_array(key)) is not None:
                yield from (fault.under(f"/{key}") for fault in array_faults(array, shape))


class Drawn(Parametric):
    """A layer with some randomly initialized arrays."""

    initializer: Initializer = Field(
        default="he_uniform", description="Initial values of weights that are not given; a bias is initially zero."
    )

    def fans(self, key: str, shape: Shape) -> tuple[int, int]:  # noqa: ARG002 - some have several arrays to draw
        """Fan-in and fan-out of the array `key`: the numbers per output, and the outputs per number."""
        field = prod(shape[2:])
        return shape[1] * field, shape[0] * field


class Weighted(Drawn):
    """A layer with `weights` and an optional `bias`."""

    has_bias: Flag = Field(default=True, description="Whether a bias is added to each output.")
    weights: list[object] | None = Field(
        default=None, repr=False, description="Initial weights: nested lists in the order of the file."
    )
    bias: list[object] | None = Field(default=None, repr=False, description="Initial bias: one number per output.")

    array_fields: ClassVar[tuple[str, ...]] = ("weights", "bias")

    @abstractmethod
    def kernel_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """The shape of the weights."""

    @property
    @abstractmethod
    def outputs(self) -> int:
        """The length of the bias."""

    def weight_shapes(self, inputs: tuple[Shape, ...]) -> Mapping[str, Shape]:
        """`weights`, and `bias` if there is one."""
        kernel = {"weights": self.kernel_shape(inputs)}
        return kernel | {"bias": (self.outputs,)} if self.has_bias else kernel

    def fill_value(self, key: str) -> float | None:
        """0 for a bias, and for weights with the initializer `zeros`."""
        return 0.0 if key == "bias" or self.initializer == "zeros" else None

    def faults(self, inputs: tuple[Shape, ...]) -> Iterator[Fault]:
        """Explicit arrays of another shape than the layer's, and a bias for a layer that has none."""
        yield from super().faults(inputs)
        if self.bias is not None and not self.has_bias:
            yield Fault("/bias", "found a bias although has_bias is false; remove one of the two")

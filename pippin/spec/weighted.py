"""What the layers with weights and a bias have in common."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import ClassVar, Literal

from pydantic import Field

from pippin.faults import Fault
from pippin.spec.layer import OneToOne
from pippin.spec.nested import misfits
from pippin.spec.values import Flag, Shape


class Weighted(OneToOne):
    """A layer with `weights` and, if it has one, a `bias`."""

    has_bias: Flag = True
    initializer: Literal["he_uniform", "glorot_uniform", "zeros"] = Field(
        default="he_uniform", description="How the weights begin unless they are given; a bias begins at zero."
    )
    weights: list[object] | None = Field(
        default=None, repr=False, description="Initial weights: nested lists in the order of the file."
    )
    bias: list[object] | None = Field(default=None, repr=False, description="Initial bias: one number an output.")

    trainable: ClassVar[bool] = True
    passes_gradient: ClassVar[bool] = True

    @abstractmethod
    def kernel_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """The shape of the weights, outputs first."""

    def weight_shapes(self, inputs: tuple[Shape, ...]) -> Mapping[str, Shape]:
        """`weights`, and `bias` where there is one."""
        kernel = self.kernel_shape(inputs)
        return {"weights": kernel, "bias": kernel[:1]} if self.has_bias else {"weights": kernel}

    def faults(self, inputs: tuple[Shape, ...]) -> Iterator[Fault]:
        """Explicit weights of another shape than the layer's, and a bias for a layer that has none."""
        shapes = self.weight_shapes(inputs)
        for key, given in (("weights", self.weights), ("bias", self.bias)):
            if given is None:
                continue
            if key in shapes:
                yield from (fault.under(f"/{key}") for fault in misfits(given, shapes[key]))
            else:
                yield Fault(f"/{key}", "found a bias although has_bias is false; leave one of the two out")
